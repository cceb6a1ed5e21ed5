//! The processes that the agent started, and the orphans that a first process inherits: all are
//! waited for here, and nowhere else.

use std::collections::BTreeMap;
use std::io;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use protocol::control::Exit;
use tokio::sync::watch;

/// The agent's living children.
#[derive(Debug, Default)]
pub(super) struct Children {
    living: Mutex<BTreeMap<Pid, watch::Sender<Option<Exit>>>>,
}

/// A child, which leads a session and process group of the same number.
#[derive(Debug, Clone)]
pub(super) struct Child {
    /// Its process number.
    pub(super) pid: Pid,
    exit: watch::Receiver<Option<Exit>>,
}

impl Children {
    /// Starts a process. The caller has made it lead a session ([`plumbing::child::ChildSetup`]).
    pub(super) fn spawn(&self, command: &mut Command) -> io::Result<(Child, std::process::Child)> {
        // The lock keeps a child that ends at once from being reaped before it is known.
        let mut living = self.lock();
        let spawned = command.spawn()?;
        let pid = Pid::from_raw(i32::try_from(spawned.id()).map_err(io::Error::other)?);
        let (sender, exit) = watch::channel(None);
        living.insert(pid, sender);
        Ok((Child { pid, exit }, spawned))
    }

    /// Sends a signal to a child's process group. Not once the child was reaped, for then its number
    /// may be another's.
    pub(super) fn signal(&self, child: Pid, signal: Option<Signal>) -> nix::Result<()> {
        if self.lock().contains_key(&child) {
            killpg(child, signal)
        } else {
            Err(Errno::ESRCH)
        }
    }

    /// Reaps every process that has ended.
    pub(super) fn reap(&self) {
        let mut living = self.lock();
        loop {
            let (pid, exit) = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) => (pid, Exit::Code(code)),
                Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, Exit::Signal(signal as i32)),
                Err(Errno::EINTR) => continue,
                // None has ended, or there is none at all.
                _ => return,
            };
            if let Some(sender) = living.remove(&pid) {
                sender.send_replace(Some(exit));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Pid, watch::Sender<Option<Exit>>>> {
        // Nothing panics while it holds the lock; were it so, the map would still be whole.
        self.living.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Child {
    /// Waits for its end.
    pub(super) async fn ended(&mut self) -> Exit {
        match self.exit.wait_for(Option::is_some).await {
            Ok(exit) => exit.unwrap_or(LOST),
            Err(_) => LOST,
        }
    }

    /// Returns how it ended, if it has.
    pub(super) fn exit(&self) -> Option<Exit> {
        *self.exit.borrow()
    }

    /// Whether anything of its process group is left.
    pub(super) fn group_lives(&self) -> bool {
        killpg(self.pid, None).is_ok()
    }
}

/// Kills every process of the session that `leader` leads or led, also those that made process
/// groups of their own (as a shell does for its jobs). Blocks shortly.
pub(super) fn kill_session(leader: Pid) {
    // An error means that nothing of the group is left.
    let _ = killpg(leader, Signal::SIGKILL);
    // A process may fork while the list is read; its child is then in the next one.
    for _ in 0..PASSES {
        let members = session_members(leader);
        if members.is_empty() {
            return;
        }
        for member in members {
            // An error means that it is gone already.
            let _ = kill(member, Signal::SIGKILL);
        }
    }
}

/// Kills everything that descends from this process and waits until it is gone. What is orphaned by
/// that becomes a child of this process, as of every first process and subreaper. Blocks shortly.
pub(super) fn kill_descendants() {
    let own = Pid::this();
    loop {
        for child in processes(|process| process.parent == own) {
            // An error means that it is gone already.
            let _ = kill(child, Signal::SIGKILL);
        }
        // There is none left, or one of those just killed ends.
        match waitpid(None, None) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return,
        }
    }
}

/// The living processes of a session.
fn session_members(leader: Pid) -> Vec<Pid> {
    processes(|process| process.session == leader && process.lives)
}

/// The numbers of those processes in the node that are `wanted`.
fn processes(wanted: impl Fn(&Process) -> bool) -> Vec<Pid> {
    let Ok(folders) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let numbers = folders.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    numbers
        .filter(|number: &i32| {
            std::fs::read_to_string(format!("/proc/{number}/stat"))
                .is_ok_and(|line| Process::parse(&line).is_some_and(|process| wanted(&process)))
        })
        .map(Pid::from_raw)
        .collect()
}

/// The fields of `/proc/PID/stat` that are needed of a process (`proc_pid_stat(5)`).
#[derive(Debug, PartialEq, Eq)]
struct Process {
    /// It is no zombie.
    lives: bool,
    parent: Pid,
    session: Pid,
}

impl Process {
    /// The name in parentheses may hold anything, parentheses included; what follows it does not.
    fn parse(stat: &str) -> Option<Self> {
        let mut fields = stat.rsplit(") ").next()?.split(' ');
        let lives = !matches!(fields.next()?, "Z" | "X");
        let parent = fields.next()?.parse().ok()?;
        let session = fields.nth(1)?.parse().ok()?;
        Some(Self {
            lives,
            parent: Pid::from_raw(parent),
            session: Pid::from_raw(session),
        })
    }
}

/// Number of times a session is searched for members that are still alive.
const PASSES: usize = 8;

/// The agent ends before its child, which then ends with the node.
const LOST: Exit = Exit::Signal(Signal::SIGKILL as i32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_past_any_name() {
        let process = |lives, parent, session| Process {
            lives,
            parent: Pid::from_raw(parent),
            session: Pid::from_raw(session),
        };
        let line = "42 (a) S 1 (b)) S 1 42 7 34816 42 4194560 0";
        assert_eq!(Process::parse(line), Some(process(true, 1, 7)));
        let zombie = "9 (x) Z 3 9 7 0 -1";
        assert_eq!(Process::parse(zombie), Some(process(false, 3, 7)));
        assert_eq!(Process::parse(""), None);
    }
}
