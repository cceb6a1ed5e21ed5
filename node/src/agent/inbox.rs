//! Bytes on their way into a process or a file, bounded.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::outbox::Gone;

/// The destination of a channel's input bytes.
#[derive(Debug, Clone)]
pub(super) struct Inbox {
    chunks: mpsc::UnboundedSender<Chunk>,
    /// Counts bytes.
    room: Arc<Semaphore>,
}

/// Where the process or file takes them.
#[derive(Debug)]
pub(super) struct Incoming {
    chunks: mpsc::UnboundedReceiver<Chunk>,
    room: Arc<Semaphore>,
}

/// Bytes that were sent in one piece; none at all ends the stream. They take up room until dropped.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) bytes: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

/// Makes the two ends.
pub(super) fn inbox() -> (Inbox, Incoming) {
    let room = Arc::new(Semaphore::new(WINDOW as usize));
    let (sender, chunks) = mpsc::unbounded_channel();
    let inbox = Inbox {
        chunks: sender,
        room: Arc::clone(&room),
    };
    (inbox, Incoming { chunks, room })
}

impl Inbox {
    /// Puts bytes in once there is room for them.
    pub(super) async fn push(&self, bytes: Vec<u8>) -> Result<(), Gone> {
        let size = u32::try_from(bytes.len() + OVERHEAD).unwrap_or(WINDOW);
        let room = Arc::clone(&self.room).acquire_many_owned(size.min(WINDOW));
        let room = room.await.map_err(|_| Gone)?;
        let chunk = Chunk { bytes, _room: room };
        self.chunks.send(chunk).map_err(|_| Gone)
    }
}

impl Incoming {
    /// The next bytes, or `None` if the stream was cut off before its end.
    pub(super) async fn next(&mut self) -> Option<Chunk> {
        self.chunks.recv().await
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.room.close();
    }
}

/// Bytes that may wait for one process or file.
const WINDOW: u32 = 256 << 10;

/// The approximate size of a chunk beyond its bytes, so that single bytes are bounded too.
const OVERHEAD: usize = 64;
