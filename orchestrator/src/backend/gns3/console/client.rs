//! A node's console, as a fabric uses it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use protocol::console::streams::MAX_STREAMS;
use protocol::name::NodeName;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::compat::FuturesAsyncReadCompatExt;

use crate::backend::ByteStream;

use super::agent_stream::AgentStream;
use super::channel::Channel;
use super::error::{ConsoleError, ConsoleErrorKind};
use super::greeting::greet;
use super::pending_closes::PendingCloses;
use super::session::{Outcome, carry};
use super::streams::{OpenRequest, Streams};

/// A node's console, over which any number of streams lead to its agent. Dropping it ends them and gives the
/// console back to the shell, a moment later: [`PendingCloses`] tell when.
#[derive(Debug)]
pub struct Console {
    node: NodeName,
    address: String,
    requests: mpsc::Sender<OpenRequest>,
    places: Arc<Semaphore>,
    outcome: Outcome,
}

impl Console {
    /// Connects to a console and begins a session with the node's agent. `command` is what its shell is told, to
    /// have the agent's program there. A console serves one client at a time: an earlier one's streams end.
    ///
    /// # Errors
    /// If it cannot be reached, or the program neither is there nor can be started from the shell there.
    pub async fn connect(
        (host, port): (&str, u16),
        node: NodeName,
        command: &str,
        pending_closes: &PendingCloses,
    ) -> Result<Self, ConsoleError> {
        let address = format!("{host}:{port}");
        let at = |kind| ConsoleError {
            node: node.clone(),
            address: address.clone(),
            kind,
        };
        let unreachable = |error: io::Error| at(ConsoleErrorKind::Unreachable(Arc::new(error)));
        let connection = match timeout(CONNECT, TcpStream::connect((host, port))).await {
            Ok(connection) => connection.map_err(unreachable)?,
            Err(_) => return Err(unreachable(io::ErrorKind::TimedOut.into())),
        };
        let mut channel = Channel::new(connection).map_err(unreachable)?;
        let number = greet(&mut channel, command).await.map_err(at)?;
        let (requests, requested) = mpsc::channel(1);
        let outcome = Outcome::default();
        let streams = Streams::new(requested);
        pending_closes.expect(carry(channel, number, streams, Arc::clone(&outcome)));
        Ok(Self {
            node,
            address,
            requests,
            places: Arc::new(Semaphore::new(PLACES)),
            outcome,
        })
    }

    /// Opens a new stream to the agent. Whether there is an agent shows at the first answer.
    ///
    /// # Errors
    /// If the session has ended, with the reason, or carries as many streams as it can.
    pub async fn open(&self) -> Result<Box<dyn ByteStream>, ConsoleError> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| self.error(ConsoleErrorKind::Full(PLACES)))?;
        let (request, stream) = oneshot::channel();
        let requested = self.requests.send(request).await;
        requested.map_err(|_| self.end())?;
        let stream = stream.await.map_err(|_| self.end())?;
        Ok(Box::new(AgentStream {
            stream: stream.compat(),
            outcome: Arc::clone(&self.outcome),
            error: self.error(ConsoleErrorKind::Ended),
            _place: place,
        }))
    }

    /// Why there are no streams any more.
    fn end(&self) -> ConsoleError {
        let kind = self.outcome.get().cloned();
        self.error(kind.unwrap_or(ConsoleErrorKind::Ended))
    }

    fn error(&self, kind: ConsoleErrorKind) -> ConsoleError {
        ConsoleError {
            node: self.node.clone(),
            address: self.address.clone(),
            kind,
        }
    }
}

/// Streams that may be open at once: fewer than yamux lets, which counts some that are just ending.
const PLACES: usize = MAX_STREAMS / 2;

/// The longest time that connecting may take.
const CONNECT: Duration = Duration::from_secs(10);
