//! A user namespace for programs that are not trusted, below that of the process that starts them (`user_namespaces(7)`).
//!
//! It owns a network namespace, so root in it has every right over that network. The mounts, the process numbers and the
//! starting process belong to the namespace above: over those it has none, whatever the program is allowed to call.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;

use nix::errno::Errno;
use nix::libc::{self, c_long};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::wait::waitpid;

use super::fork::{Fork, SingleThread};

/// The users that exist in an enclosure: `count` of them, numbered from 0 inside and from `first` in the namespace above.
/// Groups have the same numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Users {
    /// The number that root of the enclosure has above.
    pub first: u32,
    /// At least one.
    pub count: u32,
}

/// An enclosure that programs can be started in, for as long as this value lives.
#[derive(Debug)]
pub struct Enclosure {
    namespace: OwnedFd,
    users: Users,
}

impl Enclosure {
    /// Makes one with a new network namespace and moves this process into that network. `/proc` must be mounted; it may be
    /// that of a process namespace above this one.
    ///
    /// # Errors
    /// `ENOSPC` where there are too many namespaces, `EPERM` if this process may not use these numbers.
    pub fn make(thread: &SingleThread, users: Users) -> io::Result<Self> {
        let (mut answer, answers) = io::pipe()?;
        let (ends, hold) = io::pipe()?;
        match thread.fork()? {
            Fork::Child => {
                drop((answer, hold));
                stay_in_it(answers, ends);
                // SAFETY: ends this process, which is a copy of its parent, without a trace of it.
                unsafe { libc::_exit(0) }
            }
            Fork::Parent(child) => {
                drop((answers, ends));
                let made = Self::of_process(&mut answer, users);
                drop(hold);
                waitpid(child, None)?;
                made
            }
        }
    }

    /// Takes hold of the namespaces of the process that answers, and gives them their users.
    fn of_process(answer: &mut io::PipeReader, users: Users) -> io::Result<Self> {
        let mut number = [0; 4];
        answer.read_exact(&mut number)?;
        let number = i32::from_le_bytes(number);
        if number < 0 {
            return Err(io::Error::from_raw_os_error(-number));
        }
        let process = PathBuf::from(format!("/proc/{number}"));
        let map = format!("0 {} {}", users.first, users.count);
        fs::write(process.join("uid_map"), &map)?;
        fs::write(process.join("gid_map"), &map)?;
        let namespace = File::open(process.join("ns/user"))?;
        let network = File::open(process.join("ns/net"))?;
        setns(network, CloneFlags::CLONE_NEWNET)?;
        Ok(Self {
            namespace: namespace.into(),
            users,
        })
    }

    /// Returns its users.
    pub fn users(&self) -> Users {
        self.users
    }

    /// Moves this process, which is to execute a program, into it as its root. Between fork(2) and execve(2) it may be
    /// called: it makes system calls only.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn enter(&self) -> io::Result<()> {
        // Its control group becomes the root of those that it sees; without any, there is nothing to see.
        // SAFETY: the call takes integers only.
        unsafe { libc::unshare(libc::CLONE_NEWCGROUP) };
        // SAFETY: the call takes integers only.
        let entered = unsafe { libc::setns(self.namespace.as_raw_fd(), libc::CLONE_NEWUSER) };
        Errno::result(entered)?;
        // A namespace of one user has its number already, and cannot drop groups.
        if self.users.count > 1 {
            // By the system call itself: libc would ask threads that there are not to follow.
            // SAFETY: the calls take integers and, for the list of groups, no memory.
            unsafe {
                check(libc::syscall(libc::SYS_setgroups, 0, 0))?;
                check(libc::syscall(libc::SYS_setresgid, 0, 0, 0))?;
                check(libc::syscall(libc::SYS_setresuid, 0, 0, 0))?;
            }
        }
        Ok(())
    }

    /// Gives an open pipe or terminal to its root, who could not open it again by its name in `/proc` or `/dev` otherwise.
    pub(super) fn own(&self, descriptor: libc::c_int) -> io::Result<()> {
        // SAFETY: the call takes integers only.
        check(c_long::from(unsafe {
            libc::fchown(descriptor, self.users.first, self.users.first)
        }))
    }
}

/// In the child: makes the namespaces, answers with the number that `/proc` has for it, or with an error's, negative; and
/// keeps the namespaces alive until it is let go.
fn stay_in_it(mut answers: io::PipeWriter, mut ends: io::PipeReader) {
    let made = number_in_proc().and_then(|number| {
        unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET)?;
        Ok(number)
    });
    let answer = made.unwrap_or_else(|error| -error.raw_os_error().unwrap_or(libc::EINVAL));
    // If nobody listens, its parent has ended.
    let _ = answers.write_all(&answer.to_le_bytes());
    let _ = ends.read(&mut [0]);
}

fn number_in_proc() -> io::Result<i32> {
    let link = fs::read_link("/proc/self")?;
    let number = link.to_str().and_then(|number| number.parse().ok());
    number.ok_or_else(|| Errno::ESRCH.into())
}

fn check(result: c_long) -> io::Result<()> {
    Ok(Errno::result(result).map(drop)?)
}
