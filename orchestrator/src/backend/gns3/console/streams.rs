//! The streams of a session, opened from this side.

use std::future::poll_fn;
use std::task::Poll;

use protocol::console::streams::{MAX_STREAMS, PIECE, WINDOWS};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex, join};
use tokio::sync::{mpsc, oneshot};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};
use tokio_util::task::AbortOnDropHandle;
use yamux::{Config, Connection, Mode, Stream};

/// All streams of a session; they end with it.
#[derive(Debug)]
pub(super) struct Streams {
    incoming: DuplexStream,
    outgoing: DuplexStream,
    piece: Vec<u8>,
    _task: AbortOnDropHandle<()>,
}

/// Somebody who wants a stream.
pub(super) type OpenRequest = oneshot::Sender<Stream>;

impl Streams {
    /// Opens streams as they are requested, until nobody can request any more.
    pub(super) fn new(requests: mpsc::Receiver<OpenRequest>) -> Self {
        let (incoming, from_node) = duplex(WINDOWS);
        let (outgoing, to_node) = duplex(PIECE);
        let mut config = Config::default();
        config.set_max_num_streams(MAX_STREAMS);
        config.set_max_connection_receive_window(Some(WINDOWS));
        let both = join(from_node, to_node).compat();
        let connection = Connection::new(both, config, Mode::Client);
        Self {
            incoming,
            outgoing,
            piece: vec![0; PIECE],
            _task: AbortOnDropHandle::new(tokio::spawn(drive(connection, requests))),
        }
    }

    /// Takes in what came from the node. It never waits for a stream: their windows are no larger than
    /// the room that there is, so that a console is read whatever becomes of what was read.
    pub(super) async fn incoming(&mut self, bytes: &[u8]) {
        // Streams that are at their end say so by ending what goes out.
        let _ = self.incoming.write_all(bytes).await;
    }

    /// Waits for what goes to the node, `room` bytes at most; `None` once the streams are at their end. Nothing is
    /// lost if the future is dropped.
    pub(super) async fn outgoing(&mut self, room: usize) -> Option<&[u8]> {
        let room = room.min(self.piece.len());
        let piece = self.piece.get_mut(..room)?;
        let count = self.outgoing.read(piece).await.ok()?;
        self.piece.get(..count).filter(|bytes| !bytes.is_empty())
    }
}

/// Moves the streams' bytes and opens new ones, until nobody can request any more or what comes is no yamux.
async fn drive<T>(mut connection: Connection<Compat<T>>, mut requests: mpsc::Receiver<OpenRequest>)
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut request: Option<OpenRequest> = None;
    poll_fn(|context| {
        loop {
            if request.is_none() {
                match requests.poll_recv(context) {
                    Poll::Ready(Some(next)) => request = Some(next),
                    Poll::Ready(None) => return Poll::Ready(()),
                    Poll::Pending => {}
                }
            }
            if request.is_some() {
                match connection.poll_new_outbound(context) {
                    Poll::Ready(Ok(stream)) => {
                        // Who has stopped waiting wants no stream.
                        let _ = request.take().map(|request| request.send(stream));
                        continue;
                    }
                    Poll::Ready(Err(_)) => return Poll::Ready(()),
                    Poll::Pending => {}
                }
            }
            match connection.poll_next_inbound(context) {
                // Nodes open none.
                Poll::Ready(Some(Ok(stream))) => drop(stream),
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await;
}
