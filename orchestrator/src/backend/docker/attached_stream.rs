//! An attached stream as a byte stream to an agent.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bollard::container::LogOutput;
use bollard::errors::Error;
use bytes::Bytes;
use futures_util::stream::{Stream, StreamExt};
use protocol::name::NodeName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::io::StreamReader;

/// The output of a container or an exec, as bollard reads it.
pub(super) type Output = Pin<Box<dyn Stream<Item = Result<LogOutput, Error>> + Send>>;

/// The input of a container or an exec, as bollard writes it.
pub(super) type Input = Pin<Box<dyn AsyncWrite + Send>>;

type Bodies = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// Standard input and output of an agent or of `node connect`. What they say on standard error goes
/// to our log.
pub(super) struct AttachedStream {
    node: NodeName,
    output: StreamReader<Bodies, Bytes>,
    input: Input,
}

impl AttachedStream {
    pub(super) fn new(node: NodeName, output: Output, input: Input) -> Self {
        let name = node.clone();
        let bodies = output.filter_map(move |item| std::future::ready(body(&name, item)));
        Self {
            node,
            output: StreamReader::new(Box::pin(bodies)),
            input,
        }
    }
}

/// The engine puts a header before each piece of output, which tells standard error from output; a
/// piece without one is output.
fn body(node: &NodeName, item: Result<LogOutput, Error>) -> Option<io::Result<Bytes>> {
    match item {
        Ok(LogOutput::StdOut { message } | LogOutput::Console { message }) => Some(Ok(message)),
        Ok(LogOutput::StdErr { message }) => {
            let text = String::from_utf8_lossy(&message);
            tracing::warn!(%node, "{}", text.trim_end());
            None
        }
        Ok(LogOutput::StdIn { .. }) => None,
        Err(Error::IOError { err }) => Some(Err(err)),
        Err(error) => Some(Err(io::Error::other(error))),
    }
}

impl fmt::Debug for AttachedStream {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("AttachedStream")
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}

impl AsyncRead for AttachedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.output).poll_read(cx, buffer)
    }
}

impl AsyncWrite for AttachedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.input.as_mut().poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.input.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.input.as_mut().poll_shutdown(cx)
    }
}
