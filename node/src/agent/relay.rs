//! One output stream of a process on its way to the connection.

use std::io;
use std::sync::Arc;

use plumbing::endpoint::Endpoint;
use protocol::control::Stream;
use protocol::frame::{DATA_CHUNK, DATA_PREFIX, data_header};

use super::children::Child;
use super::outbox::{Gone, Outbox};

/// Carries what a process prints on one stream.
#[derive(Debug)]
pub(super) struct Relay {
    pub(super) from: Arc<Endpoint>,
    pub(super) child: Child,
    pub(super) outbox: Outbox,
    pub(super) channel: u32,
    pub(super) stream: Stream,
}

/// Why a relay is done.
enum Done {
    /// Nobody holds the stream any more.
    Ended,
    /// The process ended and what it printed was sent; others still hold the stream.
    Inherited,
    /// The connection is gone.
    Unheard,
}

impl Relay {
    /// Sends everything that the process printed and the stream's end. What is printed later by
    /// processes that inherited the stream, or when the connection is gone, is read and dropped, for
    /// they would die of SIGPIPE or hang otherwise.
    pub(super) async fn run(mut self) {
        let done = match self.until_exit().await {
            Ok(()) => self.rest().await,
            Err(done) => done,
        };
        if !matches!(done, Done::Ended) {
            tokio::spawn(drop_output(self.from));
        }
        if !matches!(done, Done::Unheard) {
            // Without a connection there is nobody to tell.
            let _ = self.outbox.data(self.channel, self.stream, &[]).await;
        }
    }

    /// Sends until the process has ended. Nothing is read before there is room to send it.
    async fn until_exit(&mut self) -> Result<(), Done> {
        loop {
            tokio::select! {
                biased;
                readable = self.from.readable() => readable.map_err(|_| Done::Ended)?,
                _ = self.child.ended() => return Ok(()),
            }
            let room = self.outbox.room().await.map_err(|Gone| Done::Unheard)?;
            let read = |buffer: &mut [u8]| self.from.read_ready(buffer);
            match frame(self.channel, self.stream, DATA_CHUNK, read) {
                Ok(Some(bytes)) => room.send(bytes),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(None) | Err(_) => return Err(Done::Ended),
            }
            if self.child.exit().is_some() {
                return Ok(());
            }
        }
    }

    /// Sends what an ended process has left in the pipe or terminal, which is no more than those
    /// hold, although others may go on filling them.
    async fn rest(&self) -> Done {
        let mut left = LARGEST_PIPE;
        while left > 0 {
            let Ok(room) = self.outbox.room().await else {
                return Done::Unheard;
            };
            let read = |buffer: &mut [u8]| self.from.read_now(buffer);
            match frame(self.channel, self.stream, left.min(DATA_CHUNK), read) {
                Ok(Some(bytes)) => {
                    left -= bytes.len() - DATA_PREFIX;
                    room.send(bytes);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Done::Inherited,
                Ok(None) | Err(_) => return Done::Ended,
            }
        }
        Done::Inherited
    }
}

/// Reads at most `limit` bytes right into a frame; `None` at the end.
fn frame(
    channel: u32,
    stream: Stream,
    limit: usize,
    read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = vec![0; DATA_PREFIX + limit];
    let (head, body) = bytes.split_at_mut(DATA_PREFIX);
    let count = read(body)?;
    head.copy_from_slice(&data_header(channel, stream, count));
    bytes.truncate(DATA_PREFIX + count);
    // Small pieces may wait long; they shall not hold the memory of large ones.
    bytes.shrink_to_fit();
    Ok((count > 0).then_some(bytes))
}

/// Reads a stream to its end for nobody.
async fn drop_output(from: Arc<Endpoint>) {
    let mut buffer = [0; 4096];
    while matches!(from.read(&mut buffer).await, Ok(1..)) {}
}

/// The most that a pipe holds unless an administrator allows more (pipe(7)), in bytes. A terminal
/// holds less.
const LARGEST_PIPE: usize = 1 << 20;
