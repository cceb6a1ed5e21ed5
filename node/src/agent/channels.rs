//! The channels that are open on one connection, and everything that ends with it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::unistd::Pid;
use plumbing::endpoint::Endpoint;
use protocol::control::{Failure, FailureKind, Lifetime};
use tokio::sync::oneshot;

use super::children::{Child, kill_session};
use super::failure::refusal;
use super::inbox::Inbox;

/// The channels of one connection, by the number that the orchestrator gave them.
#[derive(Debug, Default)]
pub(super) struct Channels {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    open: BTreeMap<u32, Channel>,
    /// Sessions that end with the connection.
    sessions: BTreeSet<Pid>,
}

/// A channel that takes something from the orchestrator.
#[derive(Debug)]
pub(super) enum Channel {
    /// A running process.
    Process {
        child: Pid,
        terminal: Option<Arc<Endpoint>>,
        input: Inbox,
    },
    /// A file being written.
    File(Inbox),
    /// A capture; it ends when this is dropped.
    Capture(oneshot::Sender<()>),
}

impl Channels {
    /// Opens a channel, whose number must be free.
    pub(super) fn open(&self, channel: u32, opened: Channel) {
        self.lock().open.insert(channel, opened);
    }

    /// Refuses a number that is taken.
    pub(super) fn must_be_free(&self, channel: u32) -> Result<(), Failure> {
        if self.lock().open.contains_key(&channel) {
            let message = format!("channel {channel} is open already; numbers are used once");
            return Err(refusal(FailureKind::Invalid, message));
        }
        Ok(())
    }

    /// Closes a channel.
    pub(super) fn close(&self, channel: u32) {
        self.lock().open.remove(&channel);
    }

    /// The destination of a channel's input; none for one that takes none, or no more.
    pub(super) fn input(&self, channel: u32) -> Option<Inbox> {
        match self.lock().open.get(&channel)? {
            Channel::Process { input, .. } | Channel::File(input) => Some(input.clone()),
            Channel::Capture(_) => None,
        }
    }

    /// The process and, where it has one, the terminal of a channel.
    pub(super) fn process(&self, channel: u32) -> Result<(Pid, Option<Arc<Endpoint>>), Failure> {
        match self.lock().open.get(&channel) {
            Some(Channel::Process {
                child, terminal, ..
            }) => Ok((*child, terminal.clone())),
            _ => Err(none_runs("process", channel)),
        }
    }

    /// Ends a capture.
    pub(super) fn stop_capture(&self, channel: u32) -> Result<(), Failure> {
        let mut state = self.lock();
        match state.open.remove(&channel) {
            Some(Channel::Capture(stop)) => {
                drop(stop);
                Ok(())
            }
            Some(other) => {
                state.open.insert(channel, other);
                Err(none_runs("capture", channel))
            }
            None => Err(none_runs("capture", channel)),
        }
    }

    /// Lets a process end with the connection, unless it is to live as long as the node.
    pub(super) fn bind(&self, child: Pid, lifetime: Lifetime) {
        let mut state = self.lock();
        match lifetime {
            Lifetime::Connection => state.sessions.insert(child),
            // The number may have been that of a session that has gone since.
            Lifetime::Node => state.sessions.remove(&child),
        };
    }

    /// Forgets the session of a process that has ended, if nothing of it is left. One with a terminal
    /// is kept, for its shell may have left jobs in groups of their own.
    pub(super) fn unbind(&self, child: &Child, terminal: bool) {
        if !terminal && !child.group_lives() {
            self.lock().sessions.remove(&child.pid);
        }
    }

    /// Ends everything that ends with the connection. Blocks shortly.
    pub(super) fn end(&self) {
        let State { open, sessions } = std::mem::take(&mut *self.lock());
        drop(open);
        sessions.into_iter().for_each(kill_session);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock; were it so, the maps would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn none_runs(kind: &str, channel: u32) -> Failure {
    let message = format!("no {kind} runs in channel {channel}");
    refusal(FailureKind::NotFound, message)
}
