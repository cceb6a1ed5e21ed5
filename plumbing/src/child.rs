//! The setup of a new process between fork(2) and execve(2), and its terminal.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::ptr;
use std::sync::Arc;

use super::capability::Rights;
use super::confinement::Confinement;
use super::enclosure::Enclosure;
use super::own_limits::OwnLimits;

/// The isolation of a child process from its parent. In every case the child leads a session of its own, its
/// signals have their default actions, and it inherits nothing but its standard streams.
#[derive(Debug, Clone)]
pub struct ChildSetup {
    /// Its standard input is a terminal that shall control its session (`TIOCSCTTY`, `tty_ioctl(4)`).
    pub terminal: bool,
    /// `cgroup.procs` files, open for writing, of the control groups that it joins (cgroups(7)).
    pub control_groups: Arc<[OwnedFd]>,
    /// Its limits.
    pub limits: OwnLimits,
    /// The user namespace that it is root of, if it is to be in another one than its parent.
    pub enclosure: Option<Arc<Enclosure>>,
    /// Its confinement, if it has one, and the rights that it has in it.
    pub confinement: Option<(Arc<Confinement>, Rights)>,
}

impl ChildSetup {
    /// Lets `command` set its processes apart. What fails there, fails its `spawn`.
    pub fn apply(self, command: &mut Command) {
        // SAFETY: between fork and exec the closure makes system calls that are safe in a signal
        // handler (signal-safety(7)), and neither allocates nor locks; the descriptors stay open as
        // long as the closure lives.
        unsafe { command.pre_exec(move || self.set_apart()) };
    }

    fn set_apart(&self) -> io::Result<()> {
        for group in self.control_groups.iter() {
            // SAFETY: the buffer is one readable byte; `0` stands for the writing process itself.
            check(unsafe { libc::write(group.as_raw_fd(), c"0".as_ptr().cast(), 1) })?;
        }
        for signal in 1..=LAST_SIGNAL {
            // SAFETY: all zeroes is the default action, without flags, in the kernel's own struct,
            // which is no longer than this. The kernel refuses SIGKILL and SIGSTOP, which is as well.
            // libc's wrapper would leave out the signals that it keeps for itself.
            unsafe {
                libc::syscall(
                    libc::SYS_rt_sigaction,
                    signal,
                    DEFAULT_ACTION.as_ptr(),
                    ptr::null_mut::<u64>(),
                    size_of::<u64>(),
                )
            };
        }
        // SAFETY: takes nothing; the child of a fork leads no group, so it may lead a session.
        check(unsafe { libc::setsid() } as isize)?;
        if self.terminal {
            // SAFETY: the third argument is a plain number, zero: no terminal is stolen.
            check(unsafe { libc::ioctl(0, libc::TIOCSCTTY, 0) } as isize)?;
        }
        self.limits.take()?;
        if let Some(enclosure) = &self.enclosure {
            for stream in 0..FIRST_OTHER {
                if is_pipe(stream) || self.terminal {
                    enclosure.own(stream)?;
                }
            }
            enclosure.enter()?;
        }
        // Every descriptor of ours is close-on-exec already; this is for what we were given. Where
        // the call is forbidden (an old container engine's filter) those two are what there is.
        // SAFETY: only flags of descriptors change; std's own descriptors in the child have the flag.
        unsafe {
            libc::syscall(
                libc::SYS_close_range,
                FIRST_OTHER,
                libc::c_uint::MAX,
                libc::CLOSE_RANGE_CLOEXEC,
            )
        };
        match &self.confinement {
            Some((confinement, rights)) => confinement.enter(*rights),
            None => Ok(()),
        }
    }
}

fn is_pipe(descriptor: libc::c_int) -> bool {
    let mut status = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the kernel writes one `stat` to the pointer, which is read only if it did.
    unsafe {
        libc::fstat(descriptor, status.as_mut_ptr()) == 0
            && status.assume_init().st_mode & libc::S_IFMT == libc::S_IFIFO
    }
}

/// Tells the terminal whose master side is `terminal` its size in characters (`TIOCSWINSZ`,
/// `tty_ioctl(4)`); its foreground processes get SIGWINCH if it changed.
///
/// # Errors
/// If `terminal` is none.
pub fn resize_terminal(terminal: BorrowedFd<'_>, rows: u16, columns: u16) -> io::Result<()> {
    let size = libc::winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: the request reads one `winsize` from the pointer, which is valid for the call.
    let outcome = unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) };
    check(outcome as isize)
}

fn check(outcome: isize) -> io::Result<()> {
    if outcome < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// The highest signal number on Linux (`_NSIG`).
const LAST_SIGNAL: libc::c_int = 64;

/// `struct sigaction` of the kernel: handler, flags, restorer (on some architectures) and mask.
const DEFAULT_ACTION: [u64; 4] = [0; 4];

/// The first descriptor after the standard streams.
const FIRST_OTHER: libc::c_int = 3;
