//! Waits for changes of links.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::NetlinkError;

/// Is told by the kernel whenever a link of its network namespace changes.
#[derive(Debug)]
pub struct LinkMonitor {
    socket: Socket,
}

impl LinkMonitor {
    /// Sees every change from now on.
    ///
    /// # Errors
    /// The system's.
    pub fn open() -> Result<Self, NetlinkError> {
        let open = || {
            let mut socket = Socket::new(NETLINK_ROUTE)?;
            socket.bind(&SocketAddr::new(0, LINK_GROUP))?;
            socket.set_non_blocking(true)?;
            Ok(socket)
        };
        let socket = open().map_err(failed("opening a netlink socket for changes of links"))?;
        Ok(Self { socket })
    }

    /// Blocks until a link has changed since the last call, or `within` is over: `false` then.
    ///
    /// # Errors
    /// The system's.
    pub fn wait(&mut self, within: Duration) -> Result<bool, NetlinkError> {
        let timeout = PollTimeout::try_from(within).unwrap_or(PollTimeout::MAX);
        let mut sockets = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        match poll(&mut sockets, timeout) {
            Ok(0) => Ok(false),
            Ok(_) => self.drain(),
            Err(Errno::EINTR) => Ok(true),
            Err(error) => Err(failed("waiting for a change of links")(error.into())),
        }
    }

    /// Takes what has come in. What it says is of no interest: who waits lists the links anew.
    fn drain(&self) -> Result<bool, NetlinkError> {
        let mut buffer = Vec::with_capacity(BUFFER);
        loop {
            buffer.clear();
            match self.socket.recv(&mut buffer, 0) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                // Changes were too many to be queued: that is a change too.
                Err(error) if error.raw_os_error() == Some(Errno::ENOBUFS as i32) => {}
                Err(error) => return Err(failed("hearing of changes of links")(error)),
            }
        }
    }
}

fn failed(action: &'static str) -> impl Fn(io::Error) -> NetlinkError {
    move |source| NetlinkError::Socket { action, source }
}

/// `RTMGRP_LINK`, linux/rtnetlink.h.
const LINK_GROUP: u32 = 1;

/// Longer notices are cut, which does no harm.
const BUFFER: usize = 4096;
