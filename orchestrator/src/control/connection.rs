//! Requests and their replies over one byte stream.
//!
//! A reader task gives each reply to the request that waits for it and each channel's bytes to
//! its queue; a writer task sends. Channels are bounded, and a channel that is not read holds
//! up its connection: readers must drain, as [`super::Process::collect`] does.

use std::collections::BTreeMap;
use std::path::{Component, Path};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol::control::{Command, Entry, Status};
use protocol::control::{Condition, Event, Failure, FromNode, Reply, Request, Stream, ToNode};
use protocol::frame::Frame;
use protocol::name::NodeName;
use protocol::settings::NodeSettings;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{mpsc, oneshot};

use super::error::{ControlError, ControlErrorKind};

/// A connection to one node's agent. Clones share the connection; it ends with the last of them.
#[derive(Debug, Clone)]
pub struct Control {
    shared: Arc<Shared>,
}

/// A message that comes in on a channel.
#[derive(Debug)]
pub(super) enum Incoming {
    /// Bytes; none at all ends the stream.
    Data(Stream, Vec<u8>),
    /// Something happened.
    Event(Event),
}

#[derive(Debug)]
struct Shared {
    node: NodeName,
    numbers: AtomicU32,
    outgoing: mpsc::Sender<Vec<u8>>,
    waiting: Arc<Mutex<Waiting>>,
    reader: tokio::task::AbortHandle,
}

#[derive(Debug, Default)]
struct Waiting {
    replies: BTreeMap<u32, oneshot::Sender<Result<Reply, Failure>>>,
    channels: BTreeMap<u32, mpsc::Sender<Incoming>>,
    closed: bool,
}

impl Control {
    /// Greets the agent of a node that was just started, at the other end of `stream`, and waits until it is ready.
    ///
    /// # Errors
    /// If it speaks another version, or does not answer within [`GREETING`].
    pub async fn greet<W>(stream: W, node: NodeName) -> Result<Self, ControlError>
    where
        W: AsyncRead + AsyncWrite + Send + 'static,
    {
        Self::greet_within(GREETING, stream, node).await
    }

    /// Does the same within another time: [`GREETING_AGAIN`] for a node that has been up for a while.
    ///
    /// # Errors
    /// As [`Self::greet`].
    pub async fn greet_within<W>(
        patience: Duration,
        stream: W,
        node: NodeName,
    ) -> Result<Self, ControlError>
    where
        W: AsyncRead + AsyncWrite + Send + 'static,
    {
        let (read, write) = tokio::io::split(stream);
        let (outgoing, queue) = mpsc::channel(OUTGOING);
        let waiting = Arc::new(Mutex::new(Waiting::default()));
        tokio::spawn(send_all(write, queue));
        let reader = tokio::spawn(receive_all(read, Arc::clone(&waiting), node.clone()));
        let reader = reader.abort_handle();
        let numbers = AtomicU32::new(1);
        let control = Self {
            shared: Arc::new(Shared {
                node,
                numbers,
                outgoing,
                waiting,
                reader,
            }),
        };
        let hello = control.request(Request::Hello {
            version: protocol::VERSION,
        });
        match tokio::time::timeout(patience, hello).await {
            Ok(Ok(Reply::Ready {
                version: protocol::VERSION,
            })) => Ok(control),
            Ok(Ok(_)) => Err(control.error(ControlErrorKind::Unexpected("the greeting"))),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(control.error(ControlErrorKind::Deadline {
                seconds: patience.as_secs(),
                awaited: "its agent's greeting; it may be stopped or overloaded".to_owned(),
            })),
        }
    }

    /// The node's name.
    pub fn node(&self) -> &NodeName {
        &self.shared.node
    }

    /// Gives the node its interfaces, addresses, routes and names.
    ///
    /// # Errors
    /// Names the interface and operation that the kernel refused.
    pub async fn configure(&self, settings: NodeSettings) -> Result<(), ControlError> {
        self.done(Request::Configure(Box::new(settings)), "configure")
            .await
    }

    /// Starts the node's own command, which goes on until the node ends.
    ///
    /// # Errors
    /// If there is no such program in the node.
    pub async fn launch(&self, command: Command) -> Result<(), ControlError> {
        match self.request(Request::Launch { command }).await? {
            Reply::Started { .. } | Reply::Done => Ok(()),
            _ => Err(self.error(ControlErrorKind::Unexpected("launch"))),
        }
    }

    /// Waits in the node until `condition` holds.
    ///
    /// # Errors
    /// [`protocol::control::FailureKind::Deadline`] where it does not hold in time.
    pub async fn wait_for(
        &self,
        condition: Condition,
        within: Duration,
    ) -> Result<(), ControlError> {
        let within_ms = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        self.done(
            Request::Await {
                condition,
                within_ms,
            },
            "await",
        )
        .await
    }

    /// The entries of a folder in the node.
    ///
    /// # Errors
    /// If there is no such folder.
    pub async fn list(&self, path: &str) -> Result<Vec<Entry>, ControlError> {
        match self
            .request(Request::List {
                path: path.to_owned(),
            })
            .await?
        {
            // They become names of files here, where a path would lead elsewhere.
            Reply::Entries(entries) if entries.iter().all(is_in_its_folder) => Ok(entries),
            _ => Err(self.error(ControlErrorKind::Unexpected("list"))),
        }
    }

    /// Returns the node's current state.
    ///
    /// # Errors
    /// If the connection is gone.
    pub async fn status(&self) -> Result<Status, ControlError> {
        match self.request(Request::Status).await? {
            Reply::Status(status) => Ok(status),
            _ => Err(self.error(ControlErrorKind::Unexpected("status"))),
        }
    }

    /// Sends a request and waits for its reply.
    pub(super) async fn request(&self, request: Request) -> Result<Reply, ControlError> {
        self.ask(request).await?.reply().await
    }

    /// Sends a request. What is sent once this has returned comes after it.
    pub(super) async fn ask(&self, request: Request) -> Result<PendingRequest<'_>, ControlError> {
        let (action, patience) = (describe(&request), patience(&request));
        let id = self.number();
        let (sender, receiver) = oneshot::channel();
        {
            let mut waiting = lock(&self.shared.waiting);
            if waiting.closed {
                return Err(self.closed(action));
            }
            waiting.replies.insert(id, sender);
        }
        let message = serde_json::to_vec(&ToNode { id, request }).map_err(|error| {
            self.error(ControlErrorKind::Io {
                action: action.to_owned(),
                source: error.into(),
            })
        })?;
        self.send(&Frame::Message(message)).await?;
        Ok(PendingRequest {
            control: self,
            action,
            patience,
            receiver,
        })
    }

    pub(super) async fn done(
        &self,
        request: Request,
        action: &'static str,
    ) -> Result<(), ControlError> {
        self.ask(request).await?.done(action).await
    }

    /// Opens a channel: its number, and what will come in.
    pub(super) fn open_channel(&self) -> (u32, mpsc::Receiver<Incoming>) {
        let channel = self.number();
        let (sender, receiver) = mpsc::channel(INCOMING);
        let mut waiting = lock(&self.shared.waiting);
        if !waiting.closed {
            waiting.channels.insert(channel, sender);
        }
        (channel, receiver)
    }

    /// Forgets a channel; what still comes in is dropped.
    pub(super) fn close_channel(&self, channel: u32) {
        lock(&self.shared.waiting).channels.remove(&channel);
    }

    pub(super) async fn send_data(
        &self,
        channel: u32,
        stream: Stream,
        bytes: Vec<u8>,
    ) -> Result<(), ControlError> {
        self.send(&Frame::Data {
            channel,
            stream,
            bytes,
        })
        .await
    }

    async fn send(&self, frame: &Frame) -> Result<(), ControlError> {
        let mut bytes = Vec::new();
        frame.encode(&mut bytes);
        self.shared
            .outgoing
            .send(bytes)
            .await
            .map_err(|_| self.closed("a request was sent"))
    }

    pub(super) fn error(&self, kind: ControlErrorKind) -> ControlError {
        kind.of(&self.shared.node)
    }

    pub(super) fn closed(&self, awaited: &str) -> ControlError {
        self.error(ControlErrorKind::Closed {
            awaited: awaited.to_owned(),
        })
    }

    fn number(&self) -> u32 {
        self.shared.numbers.fetch_add(1, Ordering::Relaxed)
    }
}

/// A request that is on its way.
#[derive(Debug)]
pub(super) struct PendingRequest<'a> {
    control: &'a Control,
    action: &'static str,
    patience: Option<Duration>,
    receiver: oneshot::Receiver<Result<Reply, Failure>>,
}

impl PendingRequest<'_> {
    /// Waits for its reply.
    async fn reply(self) -> Result<Reply, ControlError> {
        let answer = match self.patience {
            None => self.receiver.await,
            Some(patience) => match tokio::time::timeout(patience, self.receiver).await {
                Ok(answer) => answer,
                Err(_) => {
                    return Err(self.control.error(ControlErrorKind::Deadline {
                        seconds: patience.as_secs(),
                        awaited: "its agent's answer; it may be paused or overloaded".to_owned(),
                    }));
                }
            },
        };
        match answer {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(failure)) => Err(self.control.error(ControlErrorKind::Refused(failure))),
            Err(_) => Err(self.control.closed(self.action)),
        }
    }

    /// Waits until it is done.
    pub(super) async fn done(self, action: &'static str) -> Result<(), ControlError> {
        let control = self.control;
        match self.reply().await? {
            Reply::Done => Ok(()),
            _ => Err(control.error(ControlErrorKind::Unexpected(action))),
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn send_all<W: AsyncWrite>(mut write: WriteHalf<W>, mut queue: mpsc::Receiver<Vec<u8>>) {
    while let Some(bytes) = queue.recv().await {
        if write.write_all(&bytes).await.is_err() || write.flush().await.is_err() {
            return;
        }
    }
    if let Err(error) = write.shutdown().await {
        tracing::debug!(%error, "closed a control connection that was gone");
    }
}

async fn receive_all<W: AsyncRead>(
    mut read: ReadHalf<W>,
    waiting: Arc<Mutex<Waiting>>,
    node: NodeName,
) {
    let mut buffer = Vec::with_capacity(READ_BUFFER);
    loop {
        match read.read_buf(&mut buffer).await {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(%node, %error, "control connection broke");
                break;
            }
        }
        if let Err(error) = dispatch(&mut buffer, &waiting).await {
            tracing::error!(%node, %error, "control connection ended");
            break;
        }
    }
    let mut waiting = lock(&waiting);
    waiting.closed = true;
    waiting.replies.clear();
    waiting.channels.clear();
}

/// Delivers every whole frame in `buffer` and leaves the rest in it.
async fn dispatch(buffer: &mut Vec<u8>, waiting: &Mutex<Waiting>) -> Result<(), ControlErrorKind> {
    let mut used = 0;
    while let Some((frame, length)) = Frame::decode(buffer.get(used..).unwrap_or_default())? {
        used += length;
        match frame {
            Frame::Data {
                channel,
                stream,
                bytes,
            } => {
                deliver(waiting, channel, Incoming::Data(stream, bytes)).await;
            }
            Frame::Message(json) => match serde_json::from_slice(&json) {
                Ok(FromNode::Reply { id, result }) => {
                    let reply = lock(waiting).replies.remove(&id);
                    // A request whose future was dropped no longer waits for its reply.
                    reply.map(|waiter| waiter.send(result));
                }
                Ok(FromNode::Event { channel, event }) => {
                    deliver(waiting, channel, Incoming::Event(event)).await;
                }
                Err(source) => {
                    let action = "reading a message of the node".to_owned();
                    return Err(ControlErrorKind::Io {
                        action,
                        source: source.into(),
                    });
                }
            },
        }
    }
    buffer.drain(..used);
    Ok(())
}

async fn deliver(waiting: &Mutex<Waiting>, channel: u32, incoming: Incoming) {
    let sender = lock(waiting).channels.get(&channel).cloned();
    if let Some(sender) = sender
        && sender.send(incoming).await.is_err()
    {
        lock(waiting).channels.remove(&channel);
    }
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    // Nothing panics while it holds the lock; were it so, the maps would still be whole.
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_in_its_folder(entry: &Entry) -> bool {
    let mut parts = Path::new(&entry.name).components();
    matches!(parts.next(), Some(Component::Normal(name)) if name == entry.name.as_str())
}

fn describe(request: &Request) -> &'static str {
    match request {
        Request::Hello { .. } => "its greeting",
        Request::Configure(_) => "its network was configured",
        Request::Start { .. } | Request::Launch { .. } => "a program was started",
        Request::Signal { .. } => "a signal was sent",
        Request::Resize { .. } => "a terminal was resized",
        Request::Put { .. } => "a file was written",
        Request::Get { .. } => "a file was opened",
        Request::List { .. } => "a folder was listed",
        Request::Await { .. } => "a condition held",
        Request::Capture { .. } => "a capture began",
        Request::StopCapture { .. } => "a capture ended",
        Request::Logs { .. } => "its log was opened",
        Request::Status => "its status",
    }
}

/// Returns the longest time that a request's answer may take; `None` for as long as the work takes. A node
/// that is paused would be waited for without end.
fn patience(request: &Request) -> Option<Duration> {
    match request {
        // They end with a file's bytes.
        Request::Put { .. } => None,
        Request::Await { within_ms, .. } => Some(Duration::from_millis(*within_ms) + ANSWER),
        // What was captured goes first.
        Request::StopCapture { .. } => Some(2 * ANSWER),
        _ => Some(ANSWER),
    }
}

/// The longest time that an agent may take to answer a request that it carries out at once.
const ANSWER: Duration = Duration::from_secs(30);

/// The longest time that the agent of a node that was just started may take to answer the greeting.
const GREETING: Duration = Duration::from_secs(20);

/// The same for an agent that has nothing else to do but answer.
pub const GREETING_AGAIN: Duration = Duration::from_secs(10);

const OUTGOING: usize = 16;
const INCOMING: usize = 64;
const READ_BUFFER: usize = 128 << 10;
