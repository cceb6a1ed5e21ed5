//! The queue of messages to be sent on one connection.
//!
//! Replies go ahead of the rest, so that a program that floods its output holds up no answer. The
//! rest (output, files, events) goes in order and is bounded: whoever has more waits for room, and
//! whoever reads a program's pipe does so only when there is room.

use plumbing::endpoint::Endpoint;
use protocol::control::{Event, Failure, FailureKind, FromNode, Reply, Stream};
use protocol::frame::{DATA_CHUNK, Frame, MAX_FRAME, data_header};
use tokio::sync::mpsc;

use super::failure::refusal;

/// The sending side of a connection, for everyone who has something to say on it.
#[derive(Debug, Clone)]
pub(super) struct Outbox {
    replies: mpsc::Sender<Vec<u8>>,
    flow: mpsc::Sender<Vec<u8>>,
}

/// The sending end of the queue that [`Outbox`]es fill.
#[derive(Debug)]
pub(super) struct Outgoing {
    replies: mpsc::Receiver<Vec<u8>>,
    flow: mpsc::Receiver<Vec<u8>>,
}

/// The connection is gone; there is nobody left to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gone;

/// Makes a connection's queues.
pub(super) fn outbox() -> (Outbox, Outgoing) {
    let (replies, replies_out) = mpsc::channel(REPLIES);
    let (flow, flow_out) = mpsc::channel(FLOW);
    let outgoing = Outgoing {
        replies: replies_out,
        flow: flow_out,
    };
    (Outbox { replies, flow }, outgoing)
}

impl Outbox {
    /// Answers the request numbered `id`.
    pub(super) async fn reply(&self, id: u32, result: Result<Reply, Failure>) -> Result<(), Gone> {
        let mut frame = message(&FromNode::Reply { id, result });
        if frame.len() > 4 + MAX_FRAME {
            let failure = refusal(
                FailureKind::System,
                "the answer is too long for one message",
            );
            frame = message(&FromNode::Reply {
                id,
                result: Err(failure),
            });
        }
        self.replies.send(frame).await.map_err(|_| Gone)
    }

    /// Tells of an event, after everything sent on its channel before.
    pub(super) async fn event(&self, channel: u32, event: Event) -> Result<(), Gone> {
        let frame = message(&FromNode::Event { channel, event });
        self.flow.send(frame).await.map_err(|_| Gone)
    }

    /// Sends bytes of a stream; none at all ends it.
    pub(super) async fn data(
        &self,
        channel: u32,
        stream: Stream,
        bytes: &[u8],
    ) -> Result<(), Gone> {
        for frame in data_frames(channel, stream, bytes) {
            self.flow.send(frame).await.map_err(|_| Gone)?;
        }
        Ok(())
    }

    /// Like [`Self::data`], for a thread outside of the runtime.
    pub(super) fn data_from_thread(
        &self,
        channel: u32,
        stream: Stream,
        bytes: &[u8],
    ) -> Result<(), Gone> {
        for frame in data_frames(channel, stream, bytes) {
            self.flow.blocking_send(frame).map_err(|_| Gone)?;
        }
        Ok(())
    }

    /// Waits until one more frame may be sent.
    pub(super) async fn room(&self) -> Result<mpsc::Permit<'_, Vec<u8>>, Gone> {
        self.flow.reserve().await.map_err(|_| Gone)
    }
}

impl Outgoing {
    /// Sends until the other side is gone, or every [`Outbox`] is and nothing is left.
    pub(super) async fn send(mut self, to: &Endpoint) {
        loop {
            let next = tokio::select! {
                biased;
                Some(reply) = self.replies.recv() => Some(reply),
                Some(frame) = self.flow.recv() => Some(frame),
                else => None,
            };
            match next {
                Some(frame) if to.write_all(&frame).await.is_ok() => {}
                _ => return,
            }
        }
    }
}

fn message(content: &FromNode) -> Vec<u8> {
    // Strings, numbers and string-keyed maps always serialise; an empty message would be refused.
    let body = serde_json::to_vec(content).unwrap_or_default();
    let mut frame = Vec::with_capacity(body.len() + 5);
    Frame::Message(body).encode(&mut frame);
    frame
}

/// `bytes` in frames of at most [`DATA_CHUNK`]; no bytes make one empty frame.
fn data_frames(channel: u32, stream: Stream, bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let end = bytes.is_empty().then_some(bytes);
    bytes.chunks(DATA_CHUNK).chain(end).map(move |chunk| {
        let mut frame = data_header(channel, stream, chunk.len()).to_vec();
        frame.extend_from_slice(chunk);
        frame
    })
}

/// Answers that may wait; when there are more, requests are read more slowly.
const REPLIES: usize = 64;

/// Other frames that may wait: up to half a mebibyte.
const FLOW: usize = 8;
