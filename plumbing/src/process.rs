//! Other processes: held without confusion by their descriptors, found by a mark in their
//! environment.

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::geteuid;

/// A process, held so that its number cannot come to mean another one. Readable once it has ended.
#[derive(Debug)]
pub struct ProcessHandle(OwnedFd);

impl ProcessHandle {
    /// Takes hold of the process that has this number now.
    ///
    /// # Errors
    /// `ESRCH` if there is none.
    pub fn open(number: u32) -> io::Result<Self> {
        // SAFETY: the call takes integers only.
        let descriptor = unsafe { libc::syscall(libc::SYS_pidfd_open, number, 0) };
        let descriptor = i32::try_from(descriptor).unwrap_or(-1);
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just given this descriptor to us, and nobody else knows it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(descriptor) }))
    }

    /// Ends the process, which cannot refuse (SIGKILL). One that has ended already is no error.
    ///
    /// # Errors
    /// `EPERM` if it is somebody else's.
    pub fn kill(&self) -> io::Result<()> {
        let no_info = std::ptr::null::<libc::siginfo_t>();
        // SAFETY: the descriptor is open and no signal information is passed.
        let result = unsafe {
            libc::syscall(
                libc::SYS_pidfd_send_signal,
                self.0.as_raw_fd(),
                libc::SIGKILL,
                no_info,
                0,
            )
        };
        match io::Error::last_os_error() {
            _ if result == 0 => Ok(()),
            error if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
            error => Err(error),
        }
    }

    /// Waits until the process has ended; `false` if it has not within the time given.
    ///
    /// # Errors
    /// The system's.
    pub fn wait(&self, within: Duration) -> io::Result<bool> {
        let deadline = Instant::now() + within;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            match poll(&mut [PollFd::new(self.as_fd(), PollFlags::POLLIN)], timeout) {
                Ok(0) => return Ok(false),
                Ok(_) => return Ok(true),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl AsFd for ProcessHandle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A process that carries a mark.
#[derive(Debug)]
pub struct Marked {
    /// The process.
    pub process: ProcessHandle,
    /// The mark's value.
    pub value: String,
    /// How many process name spaces it is in: more than this process, if it is in one that was made
    /// below this one's.
    pub depth: usize,
    environment: Vec<u8>,
}

impl Marked {
    /// Another variable that it was started with.
    pub fn variable(&self, name: &str) -> Option<&str> {
        variable(&self.environment, name)
    }
}

/// All processes of this user that were started with the variable `mark` in their environment.
///
/// # Errors
/// If `/proc` cannot be read.
pub fn find_marked(mark: &str) -> io::Result<Vec<Marked>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some((name, number)) = name.to_str().and_then(|n| Some((n, n.parse().ok()?))) else {
            continue;
        };
        let carries = |environment: Vec<u8>| variable(&environment, mark).is_some();
        if !environment_of(number).is_some_and(carries) {
            continue;
        }
        // Between the look and the hold the number may have changed its owner; what is looked at
        // while it is held belongs to what is held, for an ended process shows no environment.
        let Ok(process) = ProcessHandle::open(number) else {
            continue;
        };
        let (Some(environment), Some(depth)) = (environment_of(number), depth_of(name)) else {
            continue;
        };
        if let Some(value) = variable(&environment, mark) {
            found.push(Marked {
                process,
                value: value.to_owned(),
                depth,
                environment,
            });
        }
    }
    Ok(found)
}

/// Waits for all processes of this user that are ending and are not over yet. They have given up their
/// memory, and with it any mark, but still hold their namespaces. Returns whether all were over within
/// the time given.
///
/// # Errors
/// If `/proc` cannot be read.
pub fn wait_for_ending(within: Duration) -> io::Result<bool> {
    let deadline = Instant::now() + within;
    let mut over = true;
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some((name, number)) = name.to_str().and_then(|n| Some((n, n.parse().ok()?))) else {
            continue;
        };
        if is_own(number) && is_ending(name) == Some(true) {
            // One that is over has no descriptor to wait for.
            if let Ok(process) = ProcessHandle::open(number) {
                over &= process.wait(deadline.saturating_duration_since(Instant::now()))?;
            }
        }
    }
    Ok(over)
}

/// Whether a process is on its way out and not over. The state is the third field, behind the name in
/// parentheses, and the flags are the ninth (`proc_pid_stat(5)`).
fn is_ending(process: &str) -> Option<bool> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut fields = stat.rsplit(')').next()?.split_whitespace();
    let state = fields.next()?;
    let flags: u32 = fields.nth(9 - 4)?.parse().ok()?;
    Some(!matches!(state, "Z" | "X") && flags & EXITING != 0)
}

/// How many process name spaces this process is in.
///
/// # Errors
/// If `/proc` is not mounted.
pub fn own_depth() -> io::Result<usize> {
    depth_of("self").ok_or_else(|| Errno::ENOENT.into())
}

/// A process has a number in each of the process name spaces that it is in (`NSpid`, proc(5)).
fn depth_of(process: &str) -> Option<usize> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let numbers = status
        .lines()
        .find_map(|line| line.strip_prefix("NSpid:"))?;
    Some(numbers.split_whitespace().count())
}

/// A process's environment, if the process is this user's and lives.
fn environment_of(number: u32) -> Option<Vec<u8>> {
    is_own(number).then(|| fs::read(format!("/proc/{number}/environ")).ok())?
}

/// The value of a variable in an environment.
fn variable<'a>(environment: &'a [u8], name: &str) -> Option<&'a str> {
    environment
        .split(|&byte| byte == 0)
        .filter_map(|variable| std::str::from_utf8(variable).ok()?.split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}

/// Whether a process is this user's.
fn is_own(number: u32) -> bool {
    fs::metadata(format!("/proc/{number}")).is_ok_and(|at| at.uid() == geteuid().as_raw())
}

/// `PF_EXITING`, `include/linux/sched.h`.
const EXITING: u32 = 0x4;

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    fn sleeper(mark: &str) -> Child {
        Command::new("/bin/cat")
            .env("PLUMBING_TEST", mark)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap()
    }

    #[test]
    fn a_process_is_found_by_its_mark_and_killed() {
        let (mut ours, mut other) = (sleeper("a"), sleeper("b"));
        let found = find_marked("PLUMBING_TEST").unwrap();
        let found: Vec<_> = found.iter().filter(|m| m.value == "a").collect();
        assert_eq!(found.len(), 1);
        assert!(!found[0].process.wait(Duration::ZERO).unwrap());
        found[0].process.kill().unwrap();
        assert!(found[0].process.wait(Duration::from_secs(10)).unwrap());
        ours.wait().unwrap();
        found[0].process.kill().unwrap();
        assert!(other.try_wait().unwrap().is_none());
        other.kill().unwrap();
        other.wait().unwrap();
    }
}
