//! Processes that have lost their parent. Process 1 adopts them, or another that has asked to, and reaps them when they
//! have ended. In a container process 1 may be any program, which reaps nothing: they stay as zombies there.

use std::ffi::CStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::thread;
use std::time::{Duration, Instant};

use nix::libc;
use nix::sys::prctl;
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, fork, pipe, write};

use crate::process::{ProcessIdentity, check_proc, is_own};

/// Finds out whether such processes are reaped here. Watches a zombie of this user whose name begins with `name`, or one
/// that an earlier call has left, and makes an orphan only where there is neither: so all calls leave one zombie at most.
///
/// # Errors
/// If `/proc` cannot be read, or no process be made.
pub fn are_reaped(name: &str) -> io::Result<bool> {
    check_proc()?;
    let orphan = match find(name)? {
        Some(zombie) => zombie,
        None => make()?,
    };
    let Ok(orphan) = ProcessIdentity::of(orphan) else {
        return Ok(true);
    };
    let deadline = Instant::now() + PATIENCE;
    while ProcessIdentity::of(orphan.number).is_ok_and(|there| there == orphan) {
        if Instant::now() >= deadline {
            return Ok(false);
        }
        // There is no event for the moment in which somebody else's child is reaped.
        thread::sleep(PAUSE);
    }
    Ok(true)
}

/// Finds a zombie that such a call has left, or that has this name.
fn find(name: &str) -> io::Result<Option<u32>> {
    for entry in fs::read_dir("/proc")? {
        let Some(number) = entry?.file_name().to_str().and_then(|n| n.parse().ok()) else {
            continue;
        };
        let found = |zombie: &str| zombie.as_bytes() == NAME.to_bytes() || zombie.starts_with(name);
        if is_own(number) && zombie_of_others(number).is_some_and(|zombie| found(&zombie)) {
            return Ok(Some(number));
        }
    }
    Ok(None)
}

/// Returns the name of a zombie that is not this process's own child (`proc_pid_stat(5)`).
fn zombie_of_others(number: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    let (name, fields) = stat.split_once('(')?.1.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    let is_zombie = fields.next()? == "Z";
    let parent: u32 = fields.next()?.parse().ok()?;
    (is_zombie && parent != std::process::id()).then(|| name.to_owned())
}

/// Makes an orphan, which ends at once.
fn make() -> io::Result<u32> {
    let (reader, writer) = pipe()?;
    // SAFETY: the child may do no more than a signal handler, for there may be other threads. It only makes system
    // calls, and returns from none.
    match unsafe { fork() }? {
        ForkResult::Child => {
            // SAFETY: as above; this child has one thread.
            match unsafe { fork() } {
                Ok(ForkResult::Child) => {
                    // A zombie is found by its name.
                    let _ = prctl::set_name(NAME);
                }
                Ok(ForkResult::Parent { child }) => {
                    // A reader that hears nothing knows that there is none.
                    let _ = write(&writer, &child.as_raw().to_ne_bytes());
                }
                Err(_) => {}
            }
            // SAFETY: it takes an integer and does not return; nothing of the parent's is undone.
            unsafe { libc::_exit(0) }
        }
        ForkResult::Parent { child } => {
            drop(writer);
            waitpid(child, None)?;
            let mut number = [0; 4];
            File::from(reader).read_exact(&mut number)?;
            Ok(u32::from_ne_bytes(number))
        }
    }
}

/// The name of an orphan that was made to be watched.
const NAME: &CStr = c"orphan";

/// The longest time that whoever reaps may take.
const PATIENCE: Duration = Duration::from_secs(1);

const PAUSE: Duration = Duration::from_millis(5);
