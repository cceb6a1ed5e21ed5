//! The programs that nodes in memory know: `true`, `false`, `echo`, `cat`, `sleep` (for ever), and
//! the two broadcast roles, which copy files from node to node.

use std::sync::Arc;

use protocol::broadcast::hash::block_hash;
use protocol::control::{Event, Exit, FromNode, Program, Stream};
use protocol::frame::Frame;
use protocol::name::NodeName;
use protocol::role::{FileRecord, RoleEvent, Summary};
use tokio::sync::mpsc;

use super::agent::{queue, send};
use super::world::{Tamper, World};

/// Where a program runs.
pub(super) struct ProgramContext {
    pub(super) node: NodeName,
    pub(super) world: Arc<World>,
    pub(super) frames: mpsc::Sender<Frame>,
    pub(super) channel: u32,
}

/// Whether there is such a program.
pub(super) fn known(program: &Program) -> bool {
    let (name, list): (_, &[&str]) = match program {
        Program::Own(words) => (words.first(), &["true", "false", "echo", "cat", "sleep"]),
        Program::Role(words) => (words.first(), &["broadcast-send", "broadcast-receive"]),
    };
    name.is_some_and(|name| list.contains(&name.as_str()))
}

/// Runs a program to its end.
pub(super) async fn run(program: Program, around: ProgramContext) {
    let code = match program {
        Program::Own(words) => around.run_own(&words).await,
        Program::Role(words) => match words.split_first() {
            Some((role, args)) if role == "broadcast-send" => around.broadcast_send(args).await,
            Some((_, args)) => around.broadcast_receive(args).await,
            None => 2,
        },
    };
    let exited = FromNode::Event {
        channel: around.channel,
        event: Event::Exited(Exit::Code(code)),
    };
    send(&around.frames, &exited).await;
}

impl ProgramContext {
    async fn run_own(&self, words: &[String]) -> i32 {
        let (name, args) = words
            .split_first()
            .map_or(("", &[][..]), |(n, a)| (n.as_str(), a));
        match name {
            "echo" => {
                self.print(Stream::Output, format!("{}\n", args.join(" ")).into_bytes())
                    .await;
                0
            }
            "cat" => {
                for path in args {
                    let Some(body) = self.read(path) else {
                        let missing = format!("cat: {path}: no such file\n");
                        self.print(Stream::Error, missing.into_bytes()).await;
                        return 1;
                    };
                    self.print(Stream::Output, body).await;
                }
                0
            }
            "sleep" => std::future::pending().await,
            "false" => 1,
            _ => 0,
        }
    }

    async fn broadcast_send(&self, args: &[String]) -> i32 {
        let mut bytes = 0;
        for path in values(args, "--file") {
            let Some(body) = self.read(path) else {
                let reason = format!("{path}: no such file");
                self.say(&RoleEvent::Failed { reason }).await;
                return 1;
            };
            let name = path.rsplit('/').next().unwrap_or(path);
            bytes += body.len() as u64;
            self.deliver(name, &body);
            if let Some(record) = record(name, &body) {
                self.say(&RoleEvent::Sent(record)).await;
            }
        }
        self.world.lock().receivers.clear();
        self.say(&RoleEvent::Finished(Summary {
            bytes,
            ..Summary::default()
        }))
        .await;
        0
    }

    /// Writes the file into the folder of every node that listens, and tells the receiver.
    fn deliver(&self, name: &str, body: &[u8]) {
        let mut state = self.world.lock();
        for (node, folder, told) in state.receivers.clone() {
            let tamper = state.tamper.get(&node).copied();
            let path = format!("{folder}/{name}");
            if tamper == Some(Tamper::Extra) {
                state
                    .files
                    .insert((node.clone(), format!("{folder}/unasked")), vec![0; 3]);
            }
            if tamper != Some(Tamper::Drop) {
                state
                    .files
                    .insert((node, path.clone()), tampered(body, tamper));
            }
            // A receiver that ended meanwhile need not hear of it.
            drop(told.send(path));
        }
    }

    async fn broadcast_receive(&self, args: &[String]) -> i32 {
        let folder = values(args, "--directory")
            .next()
            .cloned()
            .unwrap_or_default();
        let (told, mut files) = mpsc::unbounded_channel();
        self.world
            .lock()
            .receivers
            .push((self.node.clone(), folder, told));
        self.say(&RoleEvent::Ready).await;
        let mut bytes = 0;
        while let Some(path) = files.recv().await {
            let body = self.read(&path).unwrap_or_default();
            bytes += body.len() as u64;
            if let Some(record) = record(path.rsplit('/').next().unwrap_or(&path), &body) {
                self.say(&RoleEvent::Received(record)).await;
            }
        }
        self.say(&RoleEvent::Finished(Summary {
            bytes,
            ..Summary::default()
        }))
        .await;
        0
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.world
            .lock()
            .files
            .get(&(self.node.clone(), path.to_owned()))
            .cloned()
    }

    async fn say(&self, event: &RoleEvent) {
        if let Ok(mut line) = serde_json::to_vec(event) {
            line.push(b'\n');
            self.print(Stream::Output, line).await;
        }
    }

    async fn print(&self, stream: Stream, bytes: Vec<u8>) {
        queue(
            &self.frames,
            Frame::Data {
                channel: self.channel,
                stream,
                bytes,
            },
        )
        .await;
    }
}

fn tampered(body: &[u8], tamper: Option<Tamper>) -> Vec<u8> {
    let mut copy = body.to_vec();
    let middle = copy.len() / 2;
    match tamper {
        Some(Tamper::Cut) => copy.truncate(middle),
        Some(Tamper::Change) => copy.iter_mut().skip(middle).take(1).for_each(|b| *b = !*b),
        Some(Tamper::Swell) => copy.resize(copy.len() + SWELLING, 0),
        Some(Tamper::Drop | Tamper::Extra) | None => {}
    }
    copy
}

/// The values of a flag that may be given more than once.
fn values<'a>(args: &'a [String], flag: &'a str) -> impl Iterator<Item = &'a String> {
    args.windows(2)
        .filter(move |pair| pair[0] == flag)
        .map(|pair| &pair[1])
}

fn record(name: &str, body: &[u8]) -> Option<FileRecord> {
    let hash = block_hash(body, 0, true);
    let name = name.parse().ok()?;
    Some(FileRecord::new(name, body.len() as u64, &hash, 0.0))
}

/// Far more than is read beyond an original.
const SWELLING: usize = 64 << 20;
