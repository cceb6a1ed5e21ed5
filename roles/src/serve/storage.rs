//! The server's files, all in one directory that no name leads out of.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat, openat2};
use nix::sys::stat::{Mode, SFlag, fstatat};
use nix::unistd::{UnlinkatFlags, unlinkat};
use protocol::file_service::base64::NotBase64;
use protocol::name::FileName;

use super::incoming::Incoming;
use super::options::{Service, Sync};

/// The directory, held open: names are looked up in what it was when the server began, whatever its
/// path comes to mean.
#[derive(Debug)]
pub(super) struct Storage {
    pub(super) directory: OwnedFd,
    pub(super) sync: Sync,
    /// Whether what is stored is hashed.
    pub(super) hashing: bool,
    /// The longest file that is taken.
    pub(super) longest: u64,
    compat: bool,
    /// The prefix of this process's unfinished files.
    prefix: String,
    /// The prefix of the whole server's unfinished files, its workers' included.
    server: String,
    next: AtomicU64,
    /// Whether the server has ended, and no further file is begun.
    closed: RwLock<bool>,
}

/// Why a file cannot be had, or stored. Goes to the client.
#[derive(Debug, thiserror::Error)]
pub(super) enum StorageError {
    #[error("{0} does not exist")]
    Missing(FileName),
    #[error("{0} is not a file")]
    NotAFile(FileName),
    #[error("{0} is a name that the server needs itself")]
    Reserved(FileName),
    #[error("the content is longer than {0} bytes")]
    TooLong(u64),
    #[error("there are too many files to list")]
    TooMany,
    #[error("the content is {0}")]
    Content(#[from] NotBase64),
    #[error("{name}: {source}")]
    System { name: FileName, source: io::Error },
    #[error("cannot list the files: {0}")]
    List(io::Error),
    #[error("cannot store files: {0}")]
    Store(io::Error),
    #[error("the server is ending")]
    Closed,
}

impl Storage {
    /// Opens the directory, which is made if it is not there.
    pub(super) fn open(directory: &Path, service: &Service) -> io::Result<Arc<Self>> {
        fs::create_dir_all(directory)?;
        let directory = File::open(directory)?.into();
        Ok(Self::within(directory, service, std::process::id()))
    }

    /// The files in a directory that the server with this process number has opened.
    pub(super) fn within(directory: OwnedFd, service: &Service, server: u32) -> Arc<Self> {
        let server = format!("{TEMPORARY}{server}-");
        Arc::new(Self {
            directory,
            sync: service.sync,
            hashing: service.report,
            longest: service.max_file,
            compat: service.compat,
            prefix: format!("{server}{}-", std::process::id()),
            server,
            next: AtomicU64::new(0),
            closed: RwLock::new(false),
        })
    }

    /// The names of the files that can be had, sorted; those that have a dot, like the original's.
    pub(super) fn names(&self) -> Result<Vec<String>, StorageError> {
        let mut names = Vec::new();
        let mut length = 0;
        for (name, kind) in self.entries().map_err(StorageError::List)? {
            let shown = name.contains('.') && !name.starts_with('.');
            if shown && name.parse::<FileName>().is_ok() && self.is_file(&name, kind) {
                length += name.len();
                if length > LONGEST_LIST {
                    return Err(StorageError::TooMany);
                }
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// A file and its length. What is open stays as it is, whatever its name comes to mean.
    pub(super) fn file(&self, name: &FileName) -> Result<(File, u64), StorageError> {
        let file = self.lookup(name, |name| {
            // A pipe would wait for its other end.
            let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK;
            self.open_beneath(name.as_str(), flags, Mode::empty())
        })?;
        let failed = |source| system(name, source);
        let about = file.metadata().map_err(failed)?;
        if !about.is_file() {
            return Err(StorageError::NotAFile(name.clone()));
        }
        Ok((file, about.len()))
    }

    /// Removes a file.
    pub(super) fn delete(&self, name: &FileName) -> Result<(), StorageError> {
        self.lookup(name, |name| {
            let about = fstatat(&self.directory, name.as_str(), AtFlags::AT_SYMLINK_NOFOLLOW)?;
            if !is_regular(about.st_mode) {
                return Err(Errno::EISDIR.into());
            }
            let kind = UnlinkatFlags::NoRemoveDir;
            Ok(unlinkat(&self.directory, name.as_str(), kind)?)
        })
    }

    /// A file to be, which has no name that clients see yet.
    pub(super) fn incoming(self: &Arc<Self>, name: &FileName) -> Result<Incoming, StorageError> {
        if is_temporary(name.as_str()) {
            return Err(StorageError::Reserved(name.clone()));
        }
        let closed = self.closed.read().unwrap_or_else(PoisonError::into_inner);
        if *closed {
            return Err(StorageError::Closed);
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let temporary = format!("{}{number}", self.prefix);
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL;
        let file = self.open_beneath(&temporary, flags, Mode::from_bits_truncate(0o644));
        let file = file.map_err(StorageError::Store)?;
        Ok(Incoming::new(Arc::clone(self), file, temporary))
    }

    /// Removes what other servers have left unfinished.
    pub(super) fn sweep(&self) -> io::Result<()> {
        self.remove(TEMPORARY)
    }

    /// Removes what a worker that is dead has left unfinished.
    pub(super) fn sweep_after(&self, worker: u32) -> io::Result<()> {
        self.remove(&format!("{}{worker}-", self.server))
    }

    /// Begins no further file, and removes what of this server's is unfinished. What threads still
    /// write to has no name any more, and gets none.
    pub(super) fn close(&self) -> io::Result<()> {
        *self.closed.write().unwrap_or_else(PoisonError::into_inner) = true;
        self.remove(&self.server)
    }

    fn remove(&self, prefix: &str) -> io::Result<()> {
        for (name, kind) in self.entries()? {
            // What is no file was put there by somebody else.
            if !name.starts_with(prefix) || !self.is_file(&name, kind) {
                continue;
            }
            match unlinkat(&self.directory, name.as_str(), UnlinkatFlags::NoRemoveDir) {
                Ok(()) | Err(Errno::ENOENT) => {}
                Err(error) => {
                    let reason = format!("cannot remove {name}, an unfinished upload: {error}");
                    return Err(io::Error::new(io::Error::from(error).kind(), reason));
                }
            }
        }
        Ok(())
    }

    /// Every name that is text, for others cannot be asked for, with what it is, if the file system
    /// says so at once (`readdir(3)`).
    fn entries(&self) -> io::Result<Vec<(String, Option<Type>)>> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut directory = Dir::openat(&self.directory, Path::new("."), flags, Mode::empty())?;
        let entries: Result<Vec<_>, Errno> = directory.iter().collect();
        let entries = entries?.into_iter().filter_map(|entry| {
            let name = entry.file_name().to_str().ok()?.to_owned();
            Some((name, entry.file_type()))
        });
        Ok(entries.collect())
    }

    /// Whether it is a file, which a link to one is not.
    fn is_file(&self, name: &str, kind: Option<Type>) -> bool {
        kind.map_or_else(|| self.look(name), |kind| kind == Type::File)
    }

    fn look(&self, name: &str) -> bool {
        let about = fstatat(&self.directory, name, AtFlags::AT_SYMLINK_NOFOLLOW);
        about.is_ok_and(|about| is_regular(about.st_mode))
    }

    fn lookup<T>(
        &self,
        name: &FileName,
        find: impl Fn(&FileName) -> io::Result<T>,
    ) -> Result<T, StorageError> {
        if is_temporary(name.as_str()) {
            return Err(StorageError::Reserved(name.clone()));
        }
        let mut found = find(name);
        if self.compat
            && matches!(&found, Err(error) if error.kind() == io::ErrorKind::NotFound)
            && let Ok(lower) = name.as_str().to_lowercase().parse()
        {
            found = find(&lower);
        }
        found.map_err(|source| system(name, source))
    }

    /// Names are single components; beneath the directory and through no symbolic link all the same,
    /// by the kernel's word (`openat2(2)`), or, where that call is forbidden, by `O_NOFOLLOW`'s.
    fn open_beneath(&self, name: &str, flags: OFlag, mode: Mode) -> io::Result<File> {
        let flags = flags | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
        let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS;
        let how = OpenHow::new().flags(flags).mode(mode).resolve(resolve);
        let opened = match openat2(&self.directory, name, how) {
            Err(Errno::ENOSYS | Errno::EPERM) => openat(&self.directory, name, flags, mode),
            opened => opened,
        };
        Ok(opened?.into())
    }
}

/// Puts a system error about a name into the client's terms.
pub(super) fn system(name: &FileName, source: io::Error) -> StorageError {
    let name = name.clone();
    match source.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ENOENT) => StorageError::Missing(name),
        Some(Errno::ELOOP | Errno::EISDIR | Errno::ENXIO) => StorageError::NotAFile(name),
        _ => StorageError::System { name, source },
    }
}

fn is_regular(mode: nix::libc::mode_t) -> bool {
    mode & SFlag::S_IFMT.bits() == SFlag::S_IFREG.bits()
}

fn is_temporary(name: &str) -> bool {
    name.starts_with(TEMPORARY)
}

/// The prefix of unfinished files.
const TEMPORARY: &str = ".upload-";

/// The number of bytes of names that fit into a reply without exceeding what a connection may need.
const LONGEST_LIST: usize = 256 << 10;
