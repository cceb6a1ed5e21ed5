//! Holds a lab that is up, and serves its clients meanwhile.

use std::io;
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signalfd::SignalFd;
use protocol::keeper::{FromKeeper, ToKeeper};

use super::clients::Clients;
use super::connection::Connection;
use super::lab::reap;
use super::service::Service;

/// A lab that is up.
#[derive(Debug)]
pub(super) struct HeldLab {
    /// Tells that a node has ended.
    pub(super) children: SignalFd,
    pub(super) clients: Clients,
    pub(super) service: Service,
    /// Limits that cannot be enforced here, in words.
    pub(super) warnings: Vec<String>,
}

impl HeldLab {
    /// Holds the lab until the orchestrator has gone without wanting it kept, or for good.
    pub(super) fn hold(mut self, mut connection: Connection) -> io::Result<()> {
        connection.send(&FromKeeper::Raised {
            warnings: std::mem::take(&mut self.warnings),
        })?;
        let mut orchestrator = Some(connection);
        let mut kept = false;
        loop {
            let has_order = self.wait(orchestrator.as_ref())?;
            reap(&self.children)?;
            self.clients.serve(&mut self.service);
            let Some(connection) = orchestrator.as_mut().filter(|_| has_order) else {
                continue;
            };
            match connection.receive()? {
                Some(ToKeeper::Keep) => {
                    kept = true;
                    connection.send(&FromKeeper::Kept)?;
                }
                Some(ToKeeper::Raise(_)) => {}
                None if kept => orchestrator = None,
                None => return Ok(()),
            }
        }
    }

    /// Waits until there is something to do. Returns whether the orchestrator has sent something or gone.
    fn wait(&self, orchestrator: Option<&Connection>) -> nix::Result<bool> {
        let mut polled = vec![PollFd::new(self.children.as_fd(), PollFlags::POLLIN)];
        polled.extend(orchestrator.map(|it| PollFd::new(it.as_fd(), PollFlags::POLLIN)));
        self.clients.awaited(&mut polled);
        match poll(&mut polled, self.clients.patience()) {
            Err(Errno::EINTR) => return Ok(false),
            other => other?,
        };
        let first = polled.get(1).and_then(PollFd::any).unwrap_or_default();
        Ok(orchestrator.is_some() && first)
    }
}
