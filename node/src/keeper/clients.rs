//! The clients of the keeper: processes of its user, outside of the lab, that connect to its socket.
//!
//! There is room for a number of them. One more is let in, and then one that can be spared goes: it has not said hello
//! in time, or has been quiet for a while. Until there is such a one, newcomers wait in the socket's queue.

use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};

use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use nix::sys::stat::{Mode, umask};
use nix::unistd::geteuid;
use protocol::keeper::channel::SOCKET;

use super::client::Client;
use super::service::Service;

/// The clients of the keeper, and the socket that they come to.
#[derive(Debug)]
pub(super) struct Clients {
    listener: UnixListener,
    clients: Vec<Client>,
    /// Set while newcomers can be let in.
    open: bool,
}

impl Clients {
    /// Makes the socket in the working directory, for this user only.
    pub(super) fn listen() -> io::Result<Self> {
        let usual = umask(Mode::from_bits_truncate(0o177));
        let bound = UnixListener::bind(SOCKET);
        umask(usual);
        Self::at(bound?)
    }

    fn at(listener: UnixListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self {
            listener,
            clients: Vec::new(),
            open: true,
        })
    }

    /// Appends the descriptors to wait for.
    pub(super) fn awaited<'a>(&'a self, polled: &mut Vec<PollFd<'a>>) {
        if self.open {
            polled.push(PollFd::new(self.listener.as_fd(), PollFlags::POLLIN));
        }
        let clients = self.clients.iter();
        polled.extend(clients.map(|client| PollFd::new(client.as_fd(), client.awaited())));
    }

    /// Returns the longest time to wait for them.
    pub(super) fn patience(&self) -> PollTimeout {
        if self.clients.iter().any(Client::has_request) {
            PollTimeout::ZERO
        } else if self.open {
            PollTimeout::NONE
        } else {
            PollTimeout::from(AGAIN)
        }
    }

    /// Lets a newcomer in, if there is one, and answers at most one request of each client.
    pub(super) fn serve(&mut self, service: &mut Service) {
        let accepts = self.clients.len() > MOST || self.let_in();
        self.clients
            .retain_mut(|client| client.serve(service).is_ok());
        let has_room = self.clients.len() <= MOST || self.dismiss();
        self.open = accepts && has_room;
    }

    /// Lets a newcomer in. Returns `false` if it cannot be accepted: mostly there are no descriptors left, and no
    /// event tells that there are again.
    fn let_in(&mut self) -> bool {
        match self.listener.accept() {
            Ok((stream, _)) => {
                let admitted = is_of_this_user_outside(&stream).then(|| Client::new(stream));
                self.clients.extend(admitted.and_then(Result::ok));
                true
            }
            Err(error) => matches!(
                error.kind(),
                ErrorKind::WouldBlock | ErrorKind::Interrupted | ErrorKind::ConnectionAborted
            ),
        }
    }

    /// Has the client go that can best be spared. Returns `false` if none can be.
    fn dismiss(&mut self) -> bool {
        let clients = self.clients.iter().enumerate();
        let spared = clients.filter(|(_, client)| client.can_be_spared());
        let quietest = spared.min_by_key(|(_, client)| (client.greeted, client.heard));
        match quietest.map(|(place, _)| place) {
            Some(place) => drop(self.clients.swap_remove(place)),
            None => return false,
        }
        true
    }
}

/// Returns whether a connection comes from this user and not from a node. The kernel says it (`SO_PEERCRED`, unix(7)): in this
/// process's namespace a process of the lab has a number, and one outside has none.
fn is_of_this_user_outside(stream: &UnixStream) -> bool {
    getsockopt(stream, PeerCredentials)
        .is_ok_and(|peer| peer.uid() == geteuid().as_raw() && peer.pid() == 0)
}

/// Clients that there is room for.
const MOST: usize = 128;

/// Milliseconds until newcomers that could not be let in are looked at again.
const AGAIN: u8 = 20;

#[cfg(test)]
#[path = "clients_test.rs"]
mod tests;
