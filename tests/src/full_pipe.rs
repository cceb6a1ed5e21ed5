//! A pipe that is full, and that nobody reads.

use std::fs;
use std::io::{ErrorKind, PipeReader, PipeWriter, Write, pipe};
use std::process::{Child, Command, Stdio};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::patience::until;

/// A pipe that is full.
#[derive(Debug)]
pub struct FullPipe {
    _unread: PipeReader,
    end: PipeWriter,
}

impl Default for FullPipe {
    fn default() -> Self {
        let (unread, mut end) = pipe().unwrap();
        fcntl(&end, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
        let full = loop {
            if let Err(error) = end.write(&[b'.'; 4096]) {
                break error;
            }
        };
        assert_eq!(full.kind(), ErrorKind::WouldBlock);
        fcntl(&end, FcntlArg::F_SETFL(OFlag::empty())).unwrap();
        Self {
            _unread: unread,
            end,
        }
    }
}

impl FullPipe {
    /// Its end to write to.
    pub fn end(&self) -> Stdio {
        self.end.try_clone().unwrap().into()
    }

    /// Starts a command whose standard output this is, and its standard error where `both` says so. Sends it a signal
    /// once it waits to write there, and returns its exit code.
    pub fn interrupts(&self, mut command: Command, both: bool, signal: Signal) -> Option<i32> {
        let error = if both { self.end() } else { Stdio::null() };
        let streams = command.stdin(Stdio::null()).stdout(self.end());
        let mut child = streams.stderr(error).spawn().unwrap();
        until("it to write where nobody reads", || {
            assert_eq!(child.try_wait().unwrap(), None, "{command:?}");
            waits_to_write(&child)
        });
        kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
        until("its end", || child.try_wait().unwrap().is_some());
        child.wait().unwrap().code()
    }
}

/// Returns whether a thread of a process is in write(2) to a standard stream (`proc_pid_syscall(5)`).
fn waits_to_write(child: &Child) -> bool {
    let tasks = fs::read_dir(format!("/proc/{}/task", child.id()));
    tasks.into_iter().flatten().flatten().any(|task| {
        let call = fs::read_to_string(task.path().join("syscall")).unwrap_or_default();
        let mut words = call.split(' ');
        words.next() == Some(WRITE) && matches!(words.next(), Some("0x1" | "0x2"))
    })
}

/// The number of write(2).
const WRITE: &str = if cfg!(target_arch = "x86_64") {
    "1"
} else {
    "64"
};
