//! The keeper's connection to the orchestrator.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use nix::unistd::dup2_stdin;
use protocol::frame::Frame;
use protocol::keeper::{FromKeeper, ToKeeper};

/// The socket to the orchestrator.
#[derive(Debug)]
pub(super) struct Connection {
    socket: UnixStream,
    received: Vec<u8>,
}

impl Connection {
    /// Takes over standard input, which is the socket, and leaves `/dev/null` in its place.
    pub(super) fn take_standard_input() -> io::Result<Self> {
        let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        dup2_stdin(File::open("/dev/null")?)?;
        Ok(Self {
            socket,
            received: Vec::new(),
        })
    }

    /// Waits for the next message; `None` once the orchestrator has closed its end.
    pub(super) fn receive(&mut self) -> io::Result<Option<ToKeeper>> {
        loop {
            if let Some((frame, length)) = Frame::decode(&self.received).map_err(invalid)? {
                self.received.drain(..length);
                let Frame::Message(json) = frame else {
                    return Err(invalid("data where a message was awaited"));
                };
                return serde_json::from_slice(&json).map(Some).map_err(invalid);
            }
            let mut chunk = [0; 16 << 10];
            match self.socket.read(&mut chunk) {
                Ok(0) => return Ok(None),
                Ok(length) => self.received.extend_from_slice(&chunk[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // The orchestrator was killed with bytes of ours unread.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends a message.
    pub(super) fn send(&mut self, message: &FromKeeper) -> io::Result<()> {
        let mut bytes = Vec::new();
        Frame::Message(serde_json::to_vec(message)?).encode(&mut bytes);
        self.socket.write_all(&bytes)
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
