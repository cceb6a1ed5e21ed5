//! One connection: reads frames, has each request done, and ends what ends with it.

use std::sync::Arc;
use std::time::Duration;

use plumbing::endpoint::Endpoint;
use protocol::control::{Failure, FailureKind, Reply, Request, Stream, ToNode};
use protocol::frame::Frame;
use tokio::task::JoinSet;

use super::channels::Channels;
use super::failure::refusal;
use super::node::Node;
use super::outbox::{Gone, Outbox, outbox};

/// A connection to an orchestrator.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) node: Arc<Node>,
    pub(super) outbox: Outbox,
    pub(super) channels: Arc<Channels>,
    /// Requests being done; they are given up when the connection ends.
    pub(super) tasks: JoinSet<()>,
    greeted: bool,
}

/// The reason why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The other side is gone, or has sent what is no frame.
    Gone,
    /// It was told why it cannot go on.
    Refused,
}

/// Serves a connection until it ends.
pub(super) async fn serve(node: Arc<Node>, input: Arc<Endpoint>, output: Arc<Endpoint>) {
    let (outbox, outgoing) = outbox();
    let channels = Arc::new(Channels::default());
    let mut connection = Connection {
        node,
        outbox,
        channels: Arc::clone(&channels),
        tasks: JoinSet::new(),
        greeted: false,
    };
    let mut sender = tokio::spawn(async move { outgoing.send(&output).await });
    let end = tokio::select! {
        end = connection.receive(&input) => end,
        _ = &mut sender => End::Gone,
    };
    drop(connection);
    if end == End::Refused {
        // The last word is brief and fits any buffer; one who does not even take that may miss it.
        let _ = tokio::time::timeout(CLOSE_PATIENCE, &mut sender).await;
    }
    sender.abort();
    // Only a shutdown of the runtime keeps this from being done, and that ends the node.
    let _ = tokio::task::spawn_blocking(move || channels.end()).await;
}

impl Connection {
    /// Reads frames and has them dealt with, until the end.
    async fn receive(&mut self, input: &Endpoint) -> End {
        let mut buffer = Vec::new();
        loop {
            let filled = buffer.len();
            buffer.resize(filled + READ, 0);
            let space = buffer.get_mut(filled..).unwrap_or_default();
            let Ok(count @ 1..) = input.read(space).await else {
                return End::Gone;
            };
            buffer.truncate(filled + count);
            let mut used = 0;
            loop {
                match Frame::decode(buffer.get(used..).unwrap_or_default()) {
                    Ok(None) => break,
                    Err(_) => return End::Gone,
                    Ok(Some((frame, length))) => {
                        used += length;
                        if let Err(end) = self.deal_with(frame, input).await {
                            return end;
                        }
                    }
                }
            }
            buffer.drain(..used);
            while self.tasks.try_join_next().is_some() {}
        }
    }

    async fn deal_with(&mut self, frame: Frame, input: &Endpoint) -> Result<(), End> {
        match frame {
            Frame::Message(json) => {
                let ToNode { id, request } =
                    serde_json::from_slice(&json).map_err(|_| End::Gone)?;
                if self.greeted || matches!(request, Request::Hello { .. }) {
                    return self.have_done(id, request).await;
                }
                let failure = refusal(FailureKind::Invalid, "a connection opens with Hello");
                self.refuse(id, failure).await
            }
            Frame::Data {
                channel,
                stream: Stream::Input,
                bytes,
            } if self.greeted => self.take_in(channel, bytes, input).await,
            Frame::Data { .. } => Err(End::Gone),
        }
    }

    pub(super) async fn greet(&mut self, id: u32, version: u32) -> Result<(), End> {
        if version != protocol::VERSION {
            let message = format!(
                "this node speaks version {} of the control channel and the orchestrator version \
                 {version}: take the lab down with the orchestrator that raised it",
                protocol::VERSION
            );
            return self
                .refuse(id, refusal(FailureKind::Version, message))
                .await;
        }
        self.greeted = true;
        let ready = Reply::Ready {
            version: protocol::VERSION,
        };
        self.reply(id, Ok(ready)).await
    }

    pub(super) async fn reply(&self, id: u32, result: Result<Reply, Failure>) -> Result<(), End> {
        self.outbox
            .reply(id, result)
            .await
            .map_err(|Gone| End::Gone)
    }

    async fn refuse(&self, id: u32, failure: Failure) -> Result<(), End> {
        self.reply(id, Err(failure)).await?;
        Err(End::Refused)
    }

    /// Passes input on. A process that does not take it holds up the connection once its inbox is
    /// full; as the other side's end cannot be read then, it is watched for.
    async fn take_in(&self, channel: u32, bytes: Vec<u8>, input: &Endpoint) -> Result<(), End> {
        let Some(inbox) = self.channels.input(channel) else {
            // It ended while this was on its way.
            return Ok(());
        };
        tokio::select! {
            biased;
            // One that ended takes no more.
            _ = inbox.push(bytes) => Ok(()),
            () = input.hung_up() => Err(End::Gone),
        }
    }
}

/// The time that a refused connection has to read the reason.
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);

/// Bytes read at once.
const READ: usize = 64 << 10;
