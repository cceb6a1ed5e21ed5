//! The program as a lab runs it: this machine's own file, behind a mount that nothing can be written through.
//!
//! A node's root reaches the file of its processes by `/proc/PID/exe`, and could write to it wherever the file's mode lets
//! it. This mount is read-only, and only its own mount namespace, the keeper's, could change that. A copy in memory would
//! protect the file too, but takes longer than all else that a small lab needs.

use std::convert::Infallible;
use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use clap::builder::PossibleValue;
use nix::mount::MsFlags;
use nix::unistd::execv;
use plumbing::mount::{self, Below};
use plumbing::own_program;
use protocol::keeper::KeeperFailure;
use protocol::role::PROGRAM;

use super::failure::DuringStep;
use super::world::{BASE, Privilege};

/// Mounts the keeper's future root, which holds the program, and starts the program from there as the keeper of `lab`.
/// The process must have a mount namespace of its own. Standard input stays as it is.
pub(super) fn start_again(lab: &str, privilege: Privilege) -> Result<Infallible, KeeperFailure> {
    mount::make_private().during("separating the lab's mounts")?;
    let program = show_program().during("protecting the program")?;
    let privilege = privilege.to_possible_value();
    let privilege = privilege.as_ref().map_or("", PossibleValue::get_name);
    let words = [PROGRAM, "keep", "--inside", privilege, "--lab", lab];
    let words: Result<Vec<_>, _> = words.into_iter().map(CString::new).collect();
    let path = CString::new(program.as_os_str().as_bytes());
    let (path, words) = path
        .and_then(|path| Ok((path, words?)))
        .map_err(io::Error::from)
        .during("starting the keeper")?;
    execv(&path, &words).during("starting the keeper")
}

fn show_program() -> io::Result<PathBuf> {
    let source = find()?;
    mount::mount_new("tmpfs", Path::new(BASE), MsFlags::empty(), "mode=755")?;
    let base = Path::new(BASE);
    let program = base.join(PROGRAM);
    File::create(&program)?;
    let shown = if let Some(file) = &source {
        // By its descriptor: its folder may be one that is hidden by now.
        PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
    } else {
        let copy = base.join("copy");
        fs::copy(own_program::PATH, &copy)?;
        copy
    };
    mount::bind(&shown, &program, Below::LeftOut)?;
    mount::make_read_only(&program, Below::LeftOut)?;
    Ok(program)
}

/// Opens the program's file by its path in this mount namespace; `None` if there is another file now, or none.
fn find() -> io::Result<Option<File>> {
    let running = fs::metadata(own_program::PATH)?;
    let Ok(file) = File::open(fs::read_link(own_program::PATH)?) else {
        return Ok(None);
    };
    let found = file.metadata()?;
    let is_it = (found.dev(), found.ino()) == (running.dev(), running.ino());
    Ok(is_it.then_some(file))
}
