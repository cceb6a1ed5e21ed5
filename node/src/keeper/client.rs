//! A client of the keeper. It is read from and written to without ever being waited for, one request at a time.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::poll::PollFlags;
use protocol::frame::{Frame, MAX_FRAME};

use super::service::Service;

/// A client of the keeper, as it is served.
#[derive(Debug)]
pub(super) struct Client {
    socket: UnixStream,
    received: Vec<u8>,
    outgoing: Vec<u8>,
    /// Set once it has said hello.
    pub(super) greeted: bool,
    /// The time when it last sent a request, or came.
    pub(super) heard: Instant,
}

/// The end of a client: it has left, or is to go.
#[derive(Debug)]
pub(super) struct Gone;

impl Client {
    /// Takes on a connection.
    pub(super) fn new(socket: UnixStream) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket,
            received: Vec::new(),
            outgoing: Vec::new(),
            greeted: false,
            heard: Instant::now(),
        })
    }

    /// Returns what to wait for: the way free for its answer, or its next request.
    pub(super) fn awaited(&self) -> PollFlags {
        match self.outgoing.as_slice() {
            [] => PollFlags::POLLIN,
            _ => PollFlags::POLLOUT,
        }
    }

    /// Returns whether a request of it is there to be answered.
    pub(super) fn has_request(&self) -> bool {
        self.outgoing.is_empty() && !matches!(Frame::length(&self.received), Ok(None))
    }

    /// Returns whether it has been quiet for so long that another may have its place.
    pub(super) fn can_be_spared(&self) -> bool {
        let patience = if self.greeted { QUIET } else { SILENT };
        self.heard.elapsed() >= patience
    }

    /// Does what can be done now, and answers at most one request. Who does not read its answers is not read from
    /// either.
    pub(super) fn serve(&mut self, service: &mut Service) -> Result<(), Gone> {
        self.flush()?;
        if self.outgoing.is_empty() && !self.has_request() {
            self.receive()?;
        }
        if self.has_request() {
            self.answer(service)?;
            self.flush()?;
            if !self.greeted {
                // It has the reason, which is brief, or never will.
                return Err(Gone);
            }
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<(), Gone> {
        let mut chunk = [0; 16 << 10];
        match self.socket.read(&mut chunk) {
            Ok(0) => return Err(Gone),
            Ok(length) => self.received.extend_from_slice(&chunk[..length]),
            Err(error) => return may_be_later(&error),
        }
        let most = if self.greeted { MAX_FRAME } else { HELLO };
        match Frame::length(&self.received) {
            Ok(None) if self.received.len() > most + 4 => Err(Gone),
            Ok(_) => Ok(()),
            Err(_) => Err(Gone),
        }
    }

    fn answer(&mut self, service: &mut Service) -> Result<(), Gone> {
        let Ok(Some((Frame::Message(json), length))) = Frame::decode(&self.received) else {
            return Err(Gone);
        };
        self.received.drain(..length);
        let answer = service.answer(&json, self.greeted).ok_or(Gone)?;
        self.heard = Instant::now();
        self.greeted = answer.greeted;
        self.outgoing = answer.frame;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Gone> {
        while !self.outgoing.is_empty() {
            match self.socket.write(&self.outgoing) {
                Ok(length) => drop(self.outgoing.drain(..length)),
                Err(error) => return may_be_later(&error),
            }
        }
        Ok(())
    }
}

/// Tells an operation that is possible later from the end of a client.
fn may_be_later(error: &io::Error) -> Result<(), Gone> {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok(()),
        _ => Err(Gone),
    }
}

impl AsFd for Client {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The time that a client may be quiet, once greeted, where there is no room for others.
const QUIET: Duration = Duration::from_secs(1);

/// The time that a client may take to say hello where there is no room for others.
const SILENT: Duration = Duration::from_millis(100);

/// The longest frame of a client that has not been greeted, in bytes.
const HELLO: usize = 1 << 10;
