//! One stream to an agent over a console.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::compat::Compat;
use yamux::Stream;

use super::error::ConsoleError;
use super::session::Outcome;

/// A stream. Its end tells why, where it is the console's.
#[derive(Debug)]
pub(super) struct AgentStream {
    pub(super) stream: Compat<Stream>,
    pub(super) outcome: Outcome,
    /// The error that reports the console's end, except for its kind.
    pub(super) error: ConsoleError,
    pub(super) _place: OwnedSemaphorePermit,
}

impl AgentStream {
    /// Why there is nothing more, if that is the console's doing.
    fn explain(&self, otherwise: io::Result<()>) -> io::Result<()> {
        match self.outcome.get() {
            Some(kind) => Err(io::Error::new(
                io::ErrorKind::ConnectionAborted,
                ConsoleError {
                    kind: kind.clone(),
                    ..self.error.clone()
                },
            )),
            None => otherwise,
        }
    }
}

impl AsyncRead for AgentStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
        let ended = outcome.is_err() || buffer.filled().len() == before;
        Poll::Ready(if ended {
            self.explain(outcome)
        } else {
            outcome
        })
    }
}

impl AsyncWrite for AgentStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes));
        Poll::Ready(written.or_else(|error| self.explain(Err(error)).map(|()| 0)))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
