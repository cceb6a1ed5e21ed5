//! Other processes: held by their descriptors, so that they cannot be confused, and found by a mark in their
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
use serde::{Deserialize, Serialize};

/// A process, held by a descriptor so that its number cannot come to mean another one. The descriptor is readable
/// once the process has ended.
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

    /// Ends the process, which cannot refuse (SIGKILL). A process that has ended already is no error.
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

    /// Waits until the process has ended. Returns `false` if it has not ended within the time given.
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

impl From<OwnedFd> for ProcessHandle {
    /// Takes a descriptor of a process (`pidfd_open(2)`).
    fn from(descriptor: OwnedFd) -> Self {
        Self(descriptor)
    }
}

/// A process's number and the moment of its birth. Numbers are reused, but all three values together are never
/// reused within one process namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProcessIdentity {
    /// Its number in this process's own process namespace.
    pub number: u32,
    /// Clock ticks from the machine's start to its birth (`starttime`, `proc_pid_stat(5)`).
    pub started: u64,
    /// The beginning of the name of that start of the machine (`boot_id`, `proc_sys_kernel(5)`).
    pub boot: u64,
}

impl ProcessIdentity {
    /// Returns the identity of the process that has this number now.
    ///
    /// # Errors
    /// `ESRCH` if there is none.
    pub fn of(number: u32) -> io::Result<Self> {
        check_proc()?;
        let stat = Stat::of(number).ok_or(Errno::ESRCH)?;
        Ok(Self {
            number,
            started: stat.started,
            boot: boot()?,
        })
    }

    /// Takes hold of the process. Returns `None` if it has ended, whether or not another process has its number now.
    ///
    /// # Errors
    /// The system's.
    pub fn hold(self) -> io::Result<Option<ProcessHandle>> {
        let handle = match ProcessHandle::open(self.number) {
            Ok(handle) => handle,
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => return Ok(None),
            Err(error) => return Err(error),
        };
        // It is read while the process is held. So it belongs to that process, or the process has ended.
        match Self::of(self.number) {
            Ok(now) => Ok((now == self).then_some(handle)),
            Err(_) if handle.wait(Duration::ZERO)? => Ok(None),
            // A process that cannot be judged has not ended.
            Err(error) => Err(error),
        }
    }
}

/// Finds out that `/proc` shows this process's own process namespace: elsewhere its numbers mean other processes.
///
/// # Errors
/// That it does not, or is closed.
pub fn check_proc() -> io::Result<()> {
    let own = fs::read_link("/proc/self")?;
    if own.to_str() == Some(&std::process::id().to_string()) {
        return Ok(());
    }
    Err(io::Error::other(
        "/proc shows another process namespace; mount this one's: `mount -t proc proc /proc`",
    ))
}

fn boot() -> io::Result<u64> {
    let name = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let digits: String = name.trim().split('-').take(3).collect();
    u64::from_str_radix(&digits, 16).map_err(io::Error::other)
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
    /// Its number and birth.
    pub identity: ProcessIdentity,
    /// The mark's value.
    pub value: String,
    /// The number of process namespaces that it is in. The number is greater than this process's if it is in a
    /// namespace that was made below this one's.
    pub depth: usize,
}

/// Takes hold of the current children of a process.
///
/// # Errors
/// If `/proc` cannot be read.
pub fn children_of(parent: u32) -> io::Result<Vec<ProcessHandle>> {
    check_proc()?;
    let mut children = Vec::new();
    let is_child = |number| Stat::of(number).is_some_and(|stat| stat.parent == parent);
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(number) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // Its parent is read again while it is held.
        if is_child(number)
            && let Ok(child) = ProcessHandle::open(number)
            && is_child(number)
        {
            children.push(child);
        }
    }
    Ok(children)
}

/// Finds all processes of this user that were started with the variable `mark` in their environment.
///
/// # Errors
/// If `/proc` cannot be read.
pub fn find_marked(mark: &str) -> io::Result<Vec<Marked>> {
    let mut found = Vec::new();
    let deadline = Instant::now() + STARTING;
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some((name, number)) = name.to_str().and_then(|n| Some((n, n.parse().ok()?))) else {
            continue;
        };
        let carries = |environment: Vec<u8>| variable(&environment, mark).is_some();
        if !environment_of(number, deadline).is_some_and(carries) {
            continue;
        }
        // The number may have come to mean another process before it was held. An environment that is read while
        // the process is held belongs to it, since a process that has ended shows none.
        let Ok(process) = ProcessHandle::open(number) else {
            continue;
        };
        let (Some(environment), Some(depth), Ok(identity)) = (
            environment_of(number, deadline),
            depth_of(name),
            ProcessIdentity::of(number),
        ) else {
            continue;
        };
        if let Some(value) = variable(&environment, mark) {
            found.push(Marked {
                process,
                identity,
                value: value.to_owned(),
                depth,
            });
        }
    }
    Ok(found)
}

/// Waits for all processes of this user that have begun to end. They have given up their memory, and with it any
/// mark, but still hold their namespaces. Returns whether all ended within the time given.
///
/// # Errors
/// If `/proc` cannot be read.
pub fn wait_for_ending(within: Duration) -> io::Result<bool> {
    let deadline = Instant::now() + within;
    let mut over = true;
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(number) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if is_own(number) && Stat::of(number).is_some_and(|stat| stat.is_ending()) {
            // A process that is gone has no descriptor to wait for.
            if let Ok(process) = ProcessHandle::open(number) {
                over &= process.wait(deadline.saturating_duration_since(Instant::now()))?;
            }
        }
    }
    Ok(over)
}

/// The fields of `proc_pid_stat(5)` that are used here.
#[derive(Debug)]
struct Stat {
    over: bool,
    parent: u32,
    flags: u32,
    /// The time of its birth, in clock ticks since the machine's start.
    started: u64,
    /// Address of its program's start; 0 until all of the program and its environment are there.
    start_code: u64,
}

impl Stat {
    /// Reads the fields of a process. Returns `None` if there is no such process. Fields are numbered from 1. The
    /// second is the name in parentheses, which may hold anything.
    fn of(number: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
        let mut fields = stat.rsplit(')').next()?.split_whitespace();
        let mut field = |skipped| fields.nth(skipped);
        Some(Self {
            over: matches!(field(0)?, "Z" | "X"),
            parent: field(0)?.parse().ok()?,
            flags: field(9 - 5)?.parse().ok()?,
            started: field(22 - 10)?.parse().ok()?,
            start_code: field(26 - 23)?.parse().ok()?,
        })
    }

    /// Whether it has begun to end: it has given up its memory or is about to, and still exists.
    fn is_ending(&self) -> bool {
        !self.over && self.flags & EXITING != 0
    }

    /// Whether it is on its way to a program. It shows no environment then, or its parent's while it uses its
    /// parent's memory. Its parent continues before that is over (execve(2), vfork(2)).
    fn is_starting(&self, number: u32) -> bool {
        let ready = self.over || self.flags & (EXITING | KERNEL_THREAD) != 0;
        let borrows = || self.flags & NO_PROGRAM_YET != 0 && share_memory(number, self.parent);
        !ready && (self.start_code == 0 || borrows())
    }
}

/// Whether two processes use the same memory (kcmp(2)). `false` if the kernel does not tell.
fn share_memory(one: u32, other: u32) -> bool {
    // `KCMP_VM`, `include/uapi/linux/kcmp.h`.
    const MEMORY: i32 = 1;
    // SAFETY: the call takes integers only.
    unsafe { libc::syscall(libc::SYS_kcmp, one, other, MEMORY, 0, 0) == 0 }
}

/// Returns the number of process namespaces that a process is in. It has a number in each of them (`NSpid`,
/// proc(5)).
fn depth_of(process: &str) -> Option<usize> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let numbers = status
        .lines()
        .find_map(|line| line.strip_prefix("NSpid:"))?;
    Some(numbers.split_whitespace().count())
}

/// Returns a process's environment, if the process is this user's and lives. Waits for a process that is being
/// started until it has an environment.
fn environment_of(number: u32, deadline: Instant) -> Option<Vec<u8>> {
    let starting = || Some(Stat::of(number)?.is_starting(number));
    let environment = || fs::read(format!("/proc/{number}/environ")).ok();
    while is_own(number) {
        if Instant::now() >= deadline {
            return environment();
        }
        if !starting()? {
            let environment = environment()?;
            if !environment.is_empty() {
                return Some(environment);
            }
        }
        // It has none, or it is between two programs.
        if !starting()? {
            return environment();
        }
        // There is no event for the end of an execve(2) in a process that is not a child.
        std::thread::sleep(PAUSE);
    }
    None
}

/// Returns the value of a variable in an environment.
fn variable<'a>(environment: &'a [u8], name: &str) -> Option<&'a str> {
    environment
        .split(|&byte| byte == 0)
        .filter_map(|variable| std::str::from_utf8(variable).ok()?.split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}

/// Whether a process is this user's.
pub(crate) fn is_own(number: u32) -> bool {
    fs::metadata(format!("/proc/{number}")).is_ok_and(|at| at.uid() == geteuid().as_raw())
}

/// `PF_EXITING`, `include/linux/sched.h`.
const EXITING: u32 = 0x4;

/// `PF_FORKNOEXEC`, `include/linux/sched.h`.
const NO_PROGRAM_YET: u32 = 0x40;

/// `PF_KTHREAD`, `include/linux/sched.h`.
const KERNEL_THREAD: u32 = 0x0020_0000;

/// The time that processes may take from one program to the next, all together.
const STARTING: Duration = Duration::from_secs(2);

const PAUSE: Duration = Duration::from_micros(100);

/// Whether this process ignores a signal (`SigIgn` in `/proc/self/status`, proc(5)).
///
/// # Errors
/// If `/proc` cannot be read.
pub fn ignores(signal: i32) -> io::Result<bool> {
    let status = fs::read_to_string("/proc/self/status")?;
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let mask = mask.ok_or_else(|| io::Error::other("/proc/self/status has no SigIgn"))?;
    Ok(signal > 0
        && mask
            .checked_shr(signal.unsigned_abs() - 1)
            .is_some_and(|bits| bits & 1 == 1))
}

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
    fn ignored_signals_are_told_from_others() {
        // Every Rust program starts with SIGPIPE ignored.
        assert!(ignores(libc::SIGPIPE).unwrap());
        assert!(!ignores(libc::SIGUSR1).unwrap());
        assert!(!ignores(0).unwrap());
    }

    #[test]
    fn a_process_is_found_as_soon_as_it_is_started() {
        for number in 0..1000 {
            let mark = format!("soon-{number}");
            let mut started = sleeper(&mark);
            // Immediately, to find it on its way from one program to the next.
            let environment = environment_of(started.id(), Instant::now() + STARTING).unwrap();
            assert_eq!(variable(&environment, "PLUMBING_TEST"), Some(&*mark));
            started.kill().unwrap();
            started.wait().unwrap();
        }
    }

    #[test]
    fn a_number_alone_is_nobody() {
        let mut born = sleeper("born");
        let identity = ProcessIdentity::of(born.id()).unwrap();
        assert!(identity.hold().unwrap().is_some());
        let earlier = ProcessIdentity {
            started: identity.started - 1,
            ..identity
        };
        assert!(earlier.hold().unwrap().is_none());
        born.kill().unwrap();
        born.wait().unwrap();
        assert!(identity.hold().unwrap().is_none());
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
