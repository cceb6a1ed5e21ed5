//! The channel to the keeper of a lab that is up, whichever process raised it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use protocol::frame::Frame;
use protocol::keeper::channel::{
    Call, Message, Refusal, Reply, Request, SOCKET, TooLong, VERSION, frame,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::{sleep, timeout};

use crate::backend::BackendErrorKind;
use crate::plan::LabId;

use super::socket::connect;

/// The way to a lab's keeper. Each request has a connection of its own.
#[derive(Debug)]
pub(super) struct KeeperChannel {
    lab: LabId,
    path: PathBuf,
}

/// The reason why a keeper did not answer a request.
#[derive(Debug, thiserror::Error)]
pub(super) enum ChannelError {
    /// It has no socket.
    #[error(
        "the keeper of {lab} has no socket at {}: the lab was raised by an earlier version, or is being taken down; \
         take it down and raise it again to have its links changed",
        path.display()
    )]
    NoSocket {
        /// The lab.
        lab: LabId,
        /// The place where it should be.
        path: PathBuf,
    },
    /// It is no longer there.
    #[error("the keeper of {lab} has ended; `orchestrator down {}` removes what is left", lab.name)]
    Ended {
        /// The lab.
        lab: LabId,
    },
    /// The connection failed.
    #[error("the connection to the keeper of {lab} at {} failed: {source}", path.display())]
    Broken {
        /// The lab.
        lab: LabId,
        /// The socket.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// It refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The request cannot be sent.
    #[error("{0}; change fewer links at once")]
    TooLong(#[from] TooLong),
    /// It sent an unexpected message.
    #[error("the lab's keeper answered something unexpected")]
    Confused,
}

impl KeeperChannel {
    /// Returns the way to a keeper whose socket is in `folder`.
    pub(super) fn new(lab: LabId, folder: &Path) -> Self {
        Self {
            lab,
            path: folder.join(SOCKET),
        }
    }

    /// Has the keeper carry out a request.
    pub(super) async fn ask(&self, request: Request) -> Result<Reply, BackendErrorKind> {
        match timeout(DEADLINE, self.converse(request)).await {
            Ok(answer) => answer.map_err(BackendErrorKind::system),
            Err(_) => Err(BackendErrorKind::Deadline {
                seconds: DEADLINE.as_secs(),
                awaited: format!(
                    "the keeper of {} to answer at {}; perhaps it is stopped",
                    self.lab,
                    self.path.display()
                ),
            }),
        }
    }

    async fn converse(&self, request: Request) -> Result<Reply, ChannelError> {
        let mut stream = self.connect().await?;
        let hello = Request::Hello { version: VERSION };
        let calls = [hello, request].into_iter().zip(0..);
        let frames = calls.map(|(request, id)| frame(&Call { id, request }));
        let frames = frames.collect::<Result<Vec<_>, _>>()?.concat();
        match stream.write_all(&frames).await {
            // It has hung up before it had read everything. What it said before tells more.
            Err(error) if is_hung_up(&error) => {}
            other => other.map_err(|error| self.failed(error))?,
        }
        let mut received = Vec::new();
        self.hear(&mut stream, &mut received, 0).await?;
        self.hear(&mut stream, &mut received, 1).await
    }

    async fn connect(&self) -> Result<UnixStream, ChannelError> {
        loop {
            match connect(&self.path).await {
                Ok(stream) => return Ok(stream),
                // Many others are waiting. No event tells that there is room again.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => sleep(AGAIN).await,
                Err(error) => return Err(self.failed(error)),
            }
        }
    }

    /// Waits for the answer to a request, given its number.
    async fn hear(
        &self,
        stream: &mut UnixStream,
        received: &mut Vec<u8>,
        id: u32,
    ) -> Result<Reply, ChannelError> {
        loop {
            let decoded = Frame::decode(received).map_err(|_| ChannelError::Confused)?;
            if let Some((Frame::Message(json), length)) = decoded {
                received.drain(..length);
                let Ok(Message::Reply { id: of, result }) = serde_json::from_slice(&json) else {
                    return Err(ChannelError::Confused);
                };
                return if of == id {
                    Ok(result?)
                } else {
                    Err(ChannelError::Confused)
                };
            }
            let read = stream.read_buf(received).await;
            if read.map_err(|error| self.failed(error))? == 0 {
                return Err(self.failed(io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }

    fn failed(&self, source: io::Error) -> ChannelError {
        let (lab, path) = (self.lab.clone(), self.path.clone());
        match source.kind() {
            io::ErrorKind::NotFound => ChannelError::NoSocket { lab, path },
            io::ErrorKind::ConnectionRefused => ChannelError::Ended { lab },
            _ => ChannelError::Broken { lab, path, source },
        }
    }
}

fn is_hung_up(error: &io::Error) -> bool {
    let kind = error.kind();
    kind == io::ErrorKind::BrokenPipe || kind == io::ErrorKind::ConnectionReset
}

/// The time that a keeper may take to answer on a busy machine.
const DEADLINE: Duration = Duration::from_secs(10);

/// The time until a socket with a long queue is tried again.
const AGAIN: Duration = Duration::from_millis(10);
