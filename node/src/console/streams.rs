//! A session's streams, each a connection to the agent.

use std::future::poll_fn;
use std::path::{Path, PathBuf};

use protocol::console::streams::{MAX_STREAMS, PIECE, WINDOWS};
use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream,
    copy_bidirectional_with_sizes, duplex, join,
};
use tokio::net::UnixStream;
use tokio::task::JoinSet;
use tokio_util::compat::{Compat, FuturesAsyncReadCompatExt, TokioAsyncReadCompatExt};
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

impl Streams {
    /// Connects each stream that the client opens to the agent's socket.
    pub(super) fn serve(socket: &Path) -> Self {
        let (incoming, from_client) = duplex(WINDOWS);
        let (outgoing, to_client) = duplex(PIECE);
        let mut config = Config::default();
        config.set_max_num_streams(MAX_STREAMS);
        config.set_max_connection_receive_window(Some(WINDOWS));
        let both = join(from_client, to_client).compat();
        let connection = Connection::new(both, config, Mode::Server);
        let task = tokio::spawn(accept(connection, socket.to_owned()));
        Self {
            incoming,
            outgoing,
            piece: vec![0; PIECE],
            _task: AbortOnDropHandle::new(task),
        }
    }

    /// Takes in what came from the client. It never waits for a stream: their windows are no larger
    /// than the room that there is, so that a console is read whatever becomes of what was read.
    pub(super) async fn incoming(&mut self, bytes: &[u8]) {
        // Streams that are at their end say so by ending what goes out.
        let _ = self.incoming.write_all(bytes).await;
    }

    /// Waits for what goes to the client, `room` bytes at most; `None` once the streams are at their end. Nothing
    /// is lost if the future is dropped.
    pub(super) async fn outgoing(&mut self, room: usize) -> Option<&[u8]> {
        let room = room.min(self.piece.len());
        let piece = self.piece.get_mut(..room)?;
        let count = self.outgoing.read(piece).await.ok()?;
        self.piece.get(..count).filter(|bytes| !bytes.is_empty())
    }
}

async fn accept<T>(mut connection: Connection<Compat<T>>, socket: PathBuf)
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut streams = JoinSet::new();
    while let Some(Ok(stream)) = poll_fn(|cx| connection.poll_next_inbound(cx)).await {
        streams.spawn(carry(stream, socket.clone()));
        while streams.try_join_next().is_some() {}
    }
}

/// Carries one stream until both its ends are done, or one is gone: then the other sees it so.
async fn carry(stream: Stream, socket: PathBuf) {
    // Without an agent the stream ends at once, which its client understands.
    if let Ok(mut agent) = UnixStream::connect(socket).await {
        let mut stream = stream.compat();
        let _ = copy_bidirectional_with_sizes(&mut stream, &mut agent, PIECE, PIECE).await;
    }
}
