//! Speaks the control protocol for a node in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use protocol::control::{
    CaptureSummary, Command, Condition, Entry, Event, Failure, FailureKind, FromNode, Reply,
    Request, Status, Stream, ToNode,
};
use protocol::frame::{DATA_CHUNK, Frame};
use protocol::limits::Reached;
use protocol::name::NodeName;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, WriteHalf};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::program::{self, ProgramContext};
use super::world::World;

/// Serves one connection until its other end closes.
pub(super) async fn serve(stream: DuplexStream, node: NodeName, world: Arc<World>) {
    let (mut read, write) = tokio::io::split(stream);
    let (frames, queue) = mpsc::channel(64);
    tokio::spawn(write_frames(write, queue));
    let mut session = Session {
        node,
        world,
        frames,
        puts: BTreeMap::new(),
        programs: BTreeMap::new(),
    };
    let mut buffer = Vec::new();
    while matches!(read.read_buf(&mut buffer).await, Ok(length) if length > 0) {
        while let Ok(Some((frame, used))) = Frame::decode(&buffer) {
            buffer.drain(..used);
            session.take(frame).await;
        }
    }
    session.programs.values().for_each(AbortHandle::abort);
}

struct Session {
    node: NodeName,
    world: Arc<World>,
    frames: mpsc::Sender<Frame>,
    puts: BTreeMap<u32, (u32, String, Vec<u8>)>,
    programs: BTreeMap<u32, AbortHandle>,
}

impl Session {
    async fn take(&mut self, frame: Frame) {
        match frame {
            Frame::Message(json) => {
                if let Ok(ToNode { id, request }) = serde_json::from_slice(&json) {
                    self.answer(id, request).await;
                }
            }
            Frame::Data { channel, bytes, .. } => self.take_data(channel, bytes).await,
        }
    }

    async fn answer(&mut self, id: u32, request: Request) {
        let result = match request {
            Request::Hello { .. } => Ok(Reply::Ready {
                version: protocol::VERSION,
            }),
            Request::Put { channel, path, .. } => {
                self.puts.insert(channel, (id, path, Vec::new()));
                return;
            }
            Request::Get { channel, path, .. } => return self.send_file(id, channel, &path).await,
            Request::List { path } => Ok(Reply::Entries(self.list(&path))),
            Request::Start { channel, command } => return self.start(id, channel, command).await,
            Request::Signal { channel, .. } => self.end(channel).await,
            Request::Await {
                condition: Condition::File { path },
                ..
            } => self.wait_file(&path),
            Request::Capture { .. } | Request::Configure(_) | Request::Await { .. } => {
                Ok(Reply::Done)
            }
            Request::StopCapture { channel } => {
                let summary = CaptureSummary {
                    packets: 0,
                    dropped: 0,
                    cut_short: None,
                };
                self.event(channel, Event::CaptureEnded(summary)).await;
                Ok(Reply::Done)
            }
            Request::Logs { channel, .. } => {
                self.reply(id, Ok(Reply::Done)).await;
                return self.data(channel, Vec::new()).await;
            }
            Request::Launch { .. } => Ok(Reply::Started { pid: 2 }),
            Request::Status => Ok(Reply::Status(Status {
                processes: 1,
                command: None,
                reached: Reached::default(),
            })),
            Request::Resize { .. } => Err(failure(FailureKind::Invalid, "no terminals in memory")),
        };
        self.reply(id, result).await;
    }

    async fn take_data(&mut self, channel: u32, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            if let Some((_, _, body)) = self.puts.get_mut(&channel) {
                body.extend_from_slice(&bytes);
            }
        } else if let Some((id, path, body)) = self.puts.remove(&channel) {
            self.world
                .lock()
                .files
                .insert((self.node.clone(), path), body);
            self.reply(id, Ok(Reply::Done)).await;
        }
    }

    async fn send_file(&self, id: u32, channel: u32, path: &str) {
        let file = self
            .world
            .lock()
            .files
            .get(&(self.node.clone(), path.to_owned()))
            .cloned();
        let Some(body) = file else {
            let missing = failure(FailureKind::NotFound, &format!("{path}: no such file"));
            return self.reply(id, Err(missing)).await;
        };
        let length = body.len() as u64;
        self.reply(
            id,
            Ok(Reply::File {
                length,
                mode: 0o644,
            }),
        )
        .await;
        for chunk in body.chunks(DATA_CHUNK) {
            self.data(channel, chunk.to_vec()).await;
        }
        self.data(channel, Vec::new()).await;
    }

    fn list(&self, folder: &str) -> Vec<Entry> {
        let prefix = format!("{}/", folder.trim_end_matches('/'));
        let state = self.world.lock();
        let entry = |((node, path), body): (&(NodeName, String), &Vec<u8>)| {
            let name = path.strip_prefix(&prefix).filter(|_| *node == self.node)?;
            Some(Entry {
                name: name.to_owned(),
                length: body.len() as u64,
                folder: false,
            })
        };
        state.files.iter().filter_map(entry).collect()
    }

    fn wait_file(&self, path: &str) -> Result<Reply, Failure> {
        let there = self
            .world
            .lock()
            .files
            .contains_key(&(self.node.clone(), path.to_owned()));
        let late = || failure(FailureKind::Deadline, &format!("waited for file {path}"));
        there.then_some(Reply::Done).ok_or_else(late)
    }

    async fn start(&mut self, id: u32, channel: u32, command: Command) {
        let around = ProgramContext {
            node: self.node.clone(),
            world: Arc::clone(&self.world),
            frames: self.frames.clone(),
            channel,
        };
        if !program::known(&command.program) {
            let missing = failure(FailureKind::NotFound, "no such program in memory");
            return self.reply(id, Err(missing)).await;
        }
        self.reply(id, Ok(Reply::Started { pid: channel })).await;
        let running = tokio::spawn(program::run(command.program, around));
        self.programs.insert(channel, running.abort_handle());
    }

    async fn end(&mut self, channel: u32) -> Result<Reply, Failure> {
        let Some(program) = self.programs.remove(&channel) else {
            return Err(failure(FailureKind::NotFound, "no such channel"));
        };
        program.abort();
        self.event(channel, Event::Exited(protocol::control::Exit::Signal(15)))
            .await;
        Ok(Reply::Done)
    }

    async fn reply(&self, id: u32, result: Result<Reply, Failure>) {
        send(&self.frames, &FromNode::Reply { id, result }).await;
    }

    async fn event(&self, channel: u32, event: Event) {
        send(&self.frames, &FromNode::Event { channel, event }).await;
    }

    async fn data(&self, channel: u32, bytes: Vec<u8>) {
        queue(
            &self.frames,
            Frame::Data {
                channel,
                stream: Stream::Output,
                bytes,
            },
        )
        .await;
    }
}

pub(super) async fn send(frames: &mpsc::Sender<Frame>, message: &FromNode) {
    if let Ok(json) = serde_json::to_vec(message) {
        queue(frames, Frame::Message(json)).await;
    }
}

pub(super) async fn queue(frames: &mpsc::Sender<Frame>, frame: Frame) {
    if frames.send(frame).await.is_err() {
        tracing::debug!("the other end of a connection in memory is gone");
    }
}

async fn write_frames(mut write: WriteHalf<DuplexStream>, mut queue: mpsc::Receiver<Frame>) {
    while let Some(frame) = queue.recv().await {
        let mut bytes = Vec::new();
        frame.encode(&mut bytes);
        if write.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

fn failure(kind: FailureKind, message: &str) -> Failure {
    Failure {
        kind,
        message: message.to_owned(),
    }
}
