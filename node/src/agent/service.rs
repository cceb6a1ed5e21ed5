//! The node's own command: the program that the topology gives it, and its log.

use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use nix::unistd::Pid;
use plumbing::endpoint::Endpoint;
use protocol::control::{Command, CommandState, Failure, FailureKind};

use super::children::{Child, Children};
use super::failure::{refusal, system};
use super::log::Log;
use super::program::{ProcessSetup, Streams};

/// The node's own command.
#[derive(Debug, Default)]
pub(super) struct Service {
    pub(super) log: Arc<Log>,
    child: Mutex<Option<Child>>,
}

impl Service {
    /// Starts it, both its outputs going to the log in the order in which they are written.
    ///
    /// # Errors
    /// While it still runs from an earlier launch, or if it cannot be started.
    pub(super) fn launch(
        &self,
        setup: &ProcessSetup,
        children: &Children,
        command: &Command,
    ) -> Result<Pid, Failure> {
        let mut current = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(child) = current.as_ref().filter(|child| child.exit().is_none()) {
            let message = format!("the node's own command runs already, as {}", child.pid);
            return Err(refusal(FailureKind::Invalid, message));
        }
        let broken = |error: std::io::Error| system("the pipe to the node's log", &error);
        let (reader, writer) = std::io::pipe().map_err(broken)?;
        let from = Endpoint::new(reader).map_err(broken)?;
        let streams = Streams {
            input: Stdio::null(),
            output: writer.try_clone().map_err(broken)?.into(),
            error: writer.into(),
            terminal: false,
        };
        let (child, _) = setup.start(children, command, streams)?;
        let pid = child.pid;
        self.log.begin();
        tokio::spawn(keep(Arc::clone(&self.log), from, child.clone()));
        *current = Some(child);
        Ok(pid)
    }

    /// Returns its state, if it was ever launched.
    pub(super) fn state(&self) -> Option<CommandState> {
        let current = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let child = current.as_ref()?;
        Some(match child.exit() {
            Some(exit) => CommandState::Ended(exit),
            None => CommandState::Running {
                pid: child.pid.as_raw().unsigned_abs(),
            },
        })
    }
}

/// Reads the command's output into the log until the command and all that hold its output are gone.
async fn keep(log: Arc<Log>, from: Endpoint, mut child: Child) {
    let mut buffer = vec![0; READ];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        log.append(buffer.get(..count).unwrap_or_default());
    }
    child.ended().await;
    log.end();
}

/// Bytes read at once.
const READ: usize = 16 << 10;
