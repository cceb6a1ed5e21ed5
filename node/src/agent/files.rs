//! Files into and out of the node.

use std::fs::{FileType, Metadata, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{PermissionsExt, fchown, lchown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::fcntl::OFlag;
use protocol::control::{Entry, Event, Failure, FailureKind, Reply, Stream};
use protocol::frame::DATA_CHUNK;
use tokio::fs::{self, File, OpenOptions};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

use super::failure::{refusal, system};
use super::inbox::Incoming;
use super::outbox::{Gone, Outbox};

/// Writes a file whose body is `body`. It has its name only once it is whole. It belongs to `owner`, as do folders that are
/// made for it.
pub(super) async fn put(
    path: String,
    mode: u32,
    owner: Option<u32>,
    mut body: Incoming,
) -> Result<(), Failure> {
    let path = absolute(path)?;
    let failed = |error: io::Error| failure("writing", &path, &error);
    if let Some(folder) = path.parent() {
        make_folders(folder, owner).await.map_err(failed)?;
    }
    let unfinished = Unfinished::beside(&path);
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create_new(true).mode(0o600);
    let mut file = options.open(&unfinished.path).await.map_err(failed)?;
    loop {
        let Some(chunk) = body.next().await else {
            let message = format!("writing {}: its body was cut off", path.display());
            return Err(refusal(FailureKind::Invalid, message));
        };
        if chunk.bytes.is_empty() {
            break;
        }
        file.write_all(&chunk.bytes).await.map_err(failed)?;
    }
    if owner.is_some() {
        fchown(&file, owner, owner).map_err(failed)?;
    }
    // What the last write met is only told here.
    file.flush().await.map_err(failed)?;
    let permissions = Permissions::from_mode(mode & PERMISSION_BITS);
    let set = file.set_permissions(permissions.clone()).await;
    set.map_err(failed)?;
    match fs::rename(&unfinished.path, &path).await {
        // A file that is itself a mount (a container's /etc/hosts) can only be written over.
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
            write_over(&path, file, permissions).await
        }
        renamed => renamed.map_err(failed),
    }
}

/// Writes a file over one that cannot be replaced.
async fn write_over(path: &Path, mut file: File, permissions: Permissions) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    let options = options.write(true).truncate(true);
    let (mut there, _) = open_regular("writing", path, options).await?;
    let copied = async {
        file.rewind().await?;
        tokio::io::copy(&mut file, &mut there).await?;
        there.flush().await?;
        there.set_permissions(permissions).await
    };
    let failed = |error: io::Error| failure("writing", path, &error);
    copied.await.map_err(failed)
}

/// Makes the folder and those above it that are missing.
async fn make_folders(folder: &Path, owner: Option<u32>) -> io::Result<()> {
    let missing = folder.ancestors().take_while(|above| !above.exists());
    let missing: Vec<_> = missing.collect();
    fs::create_dir_all(folder).await?;
    if owner.is_some() {
        let mut made = missing.into_iter();
        made.try_for_each(|made| lchown(made, owner, owner))?;
    }
    Ok(())
}

/// Sends a file on `channel`, or its first `at_most` bytes.
pub(super) async fn get(outbox: Outbox, id: u32, channel: u32, path: String, at_most: u64) {
    // Without a connection there is nobody to tell.
    let _ = try_get(&outbox, id, channel, path, at_most).await;
}

async fn try_get(
    outbox: &Outbox,
    id: u32,
    channel: u32,
    path: String,
    at_most: u64,
) -> Result<(), Gone> {
    let (path, file, length, mode) = match open(path).await {
        Ok(opened) => opened,
        Err(failure) => return outbox.reply(id, Err(failure)).await,
    };
    outbox.reply(id, Ok(Reply::File { length, mode })).await?;
    // Files of the kernel say that they are empty, or a page long; they are read as far as they go.
    // Of others no more is sent than was there, for they may grow as fast as they are read.
    let whole = if length == 0 { u64::MAX } else { length };
    let mut body = file.take(whole.min(at_most));
    let (mut buffer, mut sent) = (vec![0; DATA_CHUNK], 0);
    let broken = loop {
        match body.read(&mut buffer).await {
            // A length that stays as it is, though the file ends before it, is the kernel's way of
            // speaking: files in /sys are a page long.
            Ok(0)
                if sent < length.min(at_most)
                    && body
                        .get_ref()
                        .metadata()
                        .await
                        .is_ok_and(|m| m.len() != length) =>
            {
                let message = format!(
                    "reading {}: it shrank from {length} to {sent} bytes meanwhile",
                    path.display()
                );
                break Some(refusal(FailureKind::System, message));
            }
            Ok(0) => break None,
            Ok(count) => {
                let bytes = buffer.get(..count).unwrap_or_default();
                outbox.data(channel, Stream::Output, bytes).await?;
                sent += count as u64;
            }
            Err(error) => {
                break Some(failure("reading", &path, &error));
            }
        }
    };
    match broken {
        None => outbox.data(channel, Stream::Output, &[]).await,
        Some(failure) => outbox.event(channel, Event::Broken(failure)).await,
    }
}

/// Opens a file to be read: its path, itself, its length and permission bits.
async fn open(path: String) -> Result<(PathBuf, File, u64, u32), Failure> {
    let path = absolute(path)?;
    let mut options = OpenOptions::new();
    let (mut file, metadata) = open_regular("reading", &path, options.read(true)).await?;
    file.set_max_buf_size(DATA_CHUNK);
    let mode = metadata.permissions().mode() & PERMISSION_BITS;
    Ok((path, file, metadata.len(), mode))
}

/// Opens what a path leads to, if that is a regular file. To open a pipe would wait for a writer, and to open a device
/// may do anything. So it is first held by a descriptor that opens nothing (`O_PATH`, open(2)), and nothing can take
/// its place between the look at it and the opening.
async fn open_regular(
    action: &str,
    path: &Path,
    options: &mut OpenOptions,
) -> Result<(File, Metadata), Failure> {
    let failed = |error: io::Error| failure(action, path, &error);
    let mut hold = OpenOptions::new();
    let hold = hold.read(true).custom_flags(OFlag::O_PATH.bits());
    let held = hold.open(path).await.map_err(failed)?;
    let metadata = held.metadata().await.map_err(failed)?;
    if !metadata.is_file() {
        let kind = kind_of(metadata.file_type());
        let message = format!("{action} {}: it is {kind}, not a file", path.display());
        return Err(refusal(FailureKind::Invalid, message));
    }
    // Some of the kernel's files are regular, and a read of them waits for news.
    let options = options.custom_flags(OFlag::O_NONBLOCK.bits());
    let file = options.open(format!("/proc/self/fd/{}", held.as_raw_fd()));
    Ok((file.await.map_err(failed)?, metadata))
}

/// The entries of a folder, by name.
pub(super) async fn list(path: String) -> Result<Reply, Failure> {
    let path = absolute(path)?;
    let failed = |error: io::Error| failure("listing", &path, &error);
    let mut folder = fs::read_dir(&path).await.map_err(failed)?;
    let mut entries = Vec::new();
    while let Some(entry) = folder.next_entry().await.map_err(failed)? {
        // One that was removed meanwhile is no longer an entry. A link counts as what it leads to,
        // or as itself where that is nothing.
        let followed = fs::metadata(entry.path()).await;
        let Ok(metadata) = (match followed {
            Ok(metadata) => Ok(metadata),
            Err(_) => entry.metadata().await,
        }) else {
            continue;
        };
        entries.push(Entry {
            name: entry.file_name().to_string_lossy().into_owned(),
            length: metadata.len(),
            folder: metadata.is_dir(),
        });
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Reply::Entries(entries))
}

fn failure(action: &str, path: &Path, error: &io::Error) -> Failure {
    let action = format!("{action} {}", path.display());
    if error.kind() == io::ErrorKind::WouldBlock {
        let message = format!("{action}: it keeps whoever opens or reads it waiting");
        return refusal(FailureKind::System, message);
    }
    system(action, error)
}

fn absolute(path: String) -> Result<PathBuf, Failure> {
    if path.starts_with('/') {
        return Ok(PathBuf::from(path));
    }
    let message = format!("`{path}`: paths in a node are absolute, they begin with `/`");
    Err(refusal(FailureKind::Invalid, message))
}

fn kind_of(kind: FileType) -> &'static str {
    if kind.is_dir() {
        "a folder"
    } else {
        "a device, pipe or socket"
    }
}

/// A file that is not whole yet, and is removed if it never becomes so.
#[derive(Debug)]
struct Unfinished {
    path: PathBuf,
}

impl Unfinished {
    /// In the same folder, so that renaming it is atomic (rename(2)).
    fn beside(path: &Path) -> Self {
        static NUMBERS: AtomicU32 = AtomicU32::new(0);
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let name = format!(".unfinished-{}-{number}", std::process::id());
        Self {
            path: path.with_file_name(name),
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // It is gone already if it was renamed. One short system call, so it may be made here.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Read, write, execute, and the three special bits (chmod(2)).
const PERMISSION_BITS: u32 = 0o7777;
