//! A task of the original labs with its file and its socket.

use std::io;
use std::net::{SocketAddrV4, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

use super::job::{Ended, Job, Start};
use super::naive::Naive;
use super::options::TaskOptions;
use super::socket;
use crate::broadcast::Wait;

/// A file that is sent and never heard of again.
#[derive(Debug)]
pub(super) struct NaiveTask {
    to: SocketAddrV4,
    socket: UdpSocket,
    file: Naive,
}

impl NaiveTask {
    /// Reads the file and opens a socket. An error says why that was not possible.
    pub(super) fn begin(job: &Job, options: &TaskOptions, start: Start) -> Result<Self, String> {
        let content = std::fs::read(&job.path)
            .map_err(|error| format!("cannot read {}: {error}", job.path.display()))?;
        let socket = socket::sender(options.interface.as_ref());
        let deadline = start.at + options.deadline;
        Ok(Self {
            to: job.to,
            socket: socket.map_err(|error| format!("cannot send to {}: {error}", job.to))?,
            file: Naive::new(options.framing, content, options.pause, deadline),
        })
    }

    /// Sends as much as there is room for; after a while others shall have their turn.
    pub(super) fn step(&mut self) -> Result<Wait, Ended> {
        // Whoever answers is not heard, but must not be waited for again and again.
        while self.socket.recv(&mut [0]).is_ok() {}
        for _ in 0..TURN {
            let Some(datagram) = self.file.poll_transmit(Instant::now()) else {
                return match self.file.ended() {
                    Some(ended) => Err(ended),
                    None => Ok(self.wait(false)),
                };
            };
            match self.socket.send_to(datagram, self.to) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(self.wait(true));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => self.file.on_sent(outcome.map(|_| ())),
            }
        }
        Ok(Wait {
            until: Some(Instant::now()),
            readable: true,
            writable: false,
        })
    }

    fn wait(&self, writable: bool) -> Wait {
        Wait {
            until: Some(self.file.next_timer()),
            readable: true,
            writable,
        }
    }
}

impl AsFd for NaiveTask {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Datagrams until others have their turn.
const TURN: usize = 64;
