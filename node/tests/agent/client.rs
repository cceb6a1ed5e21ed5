//! An agent in a folder of its own, and a client of it.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Start, Stdio};
use std::time::Duration;

use protocol::control::{
    Command, Event, Exit, Failure, FromNode, Lifetime, Program, Reply, Request, Stream, ToNode,
};
use protocol::frame::Frame;
use tempfile::TempDir;

/// A running agent; it ends with this.
pub(crate) struct Agent {
    pub(crate) folder: TempDir,
    pub(crate) process: Child,
}

/// A connection to an agent.
pub(crate) struct Client {
    pub(crate) stream: UnixStream,
    received: Vec<u8>,
    /// Taken from the wire while something else was waited for.
    waiting: VecDeque<Received>,
    last: u32,
}

/// What comes from an agent.
#[derive(Debug)]
pub(crate) enum Received {
    Reply(u32, Result<Reply, Failure>),
    Event(u32, Event),
    Data(u32, Stream, Vec<u8>),
}

/// What came of a process.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) output: Vec<u8>,
    pub(crate) error: Vec<u8>,
    pub(crate) exit: Option<Exit>,
}

/// The program.
const NODE: &str = env!("CARGO_BIN_EXE_node");

impl Agent {
    pub(crate) fn start() -> Self {
        Self::started_by(Start::new(NODE))
    }

    /// Starts one with a file system of its own, of 1 MiB, in its folder `small`.
    pub(crate) fn with_a_small_disk() -> Self {
        Self::with_mounts("mkdir small && mount -t tmpfs -o size=1m none small")
    }

    /// Starts one after a shell has made mounts in its folder, which nobody else sees.
    pub(crate) fn with_mounts(line: &str) -> Self {
        let line = format!("{line} && exec \"$0\" \"$@\"");
        let mut start = Start::new("unshare");
        start.args(["--mount", "--map-root-user", "sh", "-c", &line, NODE]);
        Self::started_by(start)
    }

    fn started_by(mut start: Start) -> Self {
        let folder = TempDir::new().unwrap();
        let mut process = start
            .args(["agent", "--stdio", "--listen"])
            .arg(folder.path().join("agent.sock"))
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Its answer on standard output means that its socket is there.
        let mut hello = Vec::new();
        message(
            1,
            Request::Hello {
                version: protocol::VERSION,
            },
        )
        .encode(&mut hello);
        process.stdin.as_mut().unwrap().write_all(&hello).unwrap();
        let mut answer = [0; 8];
        process
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut answer)
            .unwrap();
        Self { folder, process }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("agent.sock")
    }

    pub(crate) fn connect(&self) -> Client {
        Client::at(&self.socket())
    }

    pub(crate) fn connect_silently(&self) -> Client {
        Client::silent(&self.socket())
    }

    /// The agent's resident memory in bytes.
    pub(crate) fn memory(&self) -> u64 {
        let path = format!("/proc/{}/smaps_rollup", self.process.id());
        let text = std::fs::read_to_string(path).unwrap();
        let line = text
            .lines()
            .find(|line| line.starts_with("Private_Dirty:"))
            .unwrap();
        line.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<u64>()
            .unwrap()
            << 10
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // SIGTERM lets it end what it started, as a container engine would.
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.process.id()).unwrap());
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let _ = self.process.wait();
    }
}

impl Client {
    pub(crate) fn at(socket: &Path) -> Self {
        let mut client = Self::silent(socket);
        let ready = client.ask(Request::Hello {
            version: protocol::VERSION,
        });
        assert_eq!(
            ready,
            Ok(Reply::Ready {
                version: protocol::VERSION
            })
        );
        client
    }

    fn silent(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).unwrap();
        // No test waits this long unless something is lost.
        stream
            .set_read_timeout(Some(Duration::from_mins(1)))
            .unwrap();
        Self {
            stream,
            received: Vec::new(),
            waiting: VecDeque::new(),
            last: 0,
        }
    }

    pub(crate) fn number(&mut self) -> u32 {
        self.last += 1;
        self.last
    }

    pub(crate) fn send(&mut self, frame: &Frame) {
        let mut bytes = Vec::new();
        frame.encode(&mut bytes);
        self.stream.write_all(&bytes).unwrap();
    }

    /// Sends a request without waiting for its answer.
    pub(crate) fn request(&mut self, request: Request) -> u32 {
        let id = self.number();
        self.send(&message(id, request));
        id
    }

    pub(crate) fn ask(&mut self, request: Request) -> Result<Reply, Failure> {
        let id = self.request(request);
        self.reply(id)
    }

    /// Waits for the answer to a request.
    pub(crate) fn reply(&mut self, id: u32) -> Result<Reply, Failure> {
        let mine = |received: &Received| matches!(received, Received::Reply(of, _) if *of == id);
        match self.take(mine) {
            Some(Received::Reply(_, result)) => result,
            other => panic!("instead of the answer to {id}: {other:?}"),
        }
    }

    /// Waits for what comes next on a channel; `None` if the connection ends.
    pub(crate) fn next_on(&mut self, channel: u32) -> Option<Received> {
        self.take(|received| match received {
            Received::Data(on, ..) | Received::Event(on, _) => *on == channel,
            Received::Reply(..) => false,
        })
    }

    pub(crate) fn input(&mut self, channel: u32, bytes: &[u8]) {
        self.send(&Frame::Data {
            channel,
            stream: Stream::Input,
            bytes: bytes.to_vec(),
        });
    }

    /// Starts a process: its channel.
    pub(crate) fn start(&mut self, command: Command) -> u32 {
        let channel = self.number();
        let started = self.ask(Request::Start { channel, command });
        assert!(matches!(started, Ok(Reply::Started { .. })), "{started:?}");
        channel
    }

    /// Waits for a process's end.
    pub(crate) fn finish(&mut self, channel: u32) -> Outcome {
        let mut outcome = Outcome::default();
        while outcome.exit.is_none() {
            match self.next_on(channel).unwrap() {
                Received::Data(_, Stream::Error, bytes) => outcome.error.extend(bytes),
                Received::Data(_, _, bytes) => outcome.output.extend(bytes),
                Received::Event(_, Event::Exited(exit)) => outcome.exit = Some(exit),
                other => panic!("{other:?}"),
            }
        }
        outcome
    }

    pub(crate) fn run(&mut self, words: &[&str]) -> Outcome {
        let channel = self.start(own(words));
        self.finish(channel)
    }

    /// Reads output of a channel until `text` was printed on it.
    pub(crate) fn until_printed(&mut self, channel: u32, text: &str) -> String {
        let mut printed = String::new();
        while !printed.contains(text) {
            match self.next_on(channel).unwrap() {
                Received::Data(_, _, bytes) => printed.push_str(&String::from_utf8_lossy(&bytes)),
                other => panic!("{other:?} after {printed:?}"),
            }
        }
        printed
    }

    /// Waits until a process is gone, not even a zombie.
    pub(crate) fn until_gone(&mut self, pid: &str) {
        let line = format!("while [ -e /proc/{} ]; do :; done", pid.trim());
        assert_eq!(self.run(&["sh", "-c", &line]).exit, Some(Exit::Code(0)));
    }

    /// Waits until the agent closes the connection.
    pub(crate) fn closed(&mut self) -> bool {
        self.take(|_| false).is_none()
    }

    fn take(&mut self, wanted: impl Fn(&Received) -> bool) -> Option<Received> {
        if let Some(at) = self.waiting.iter().position(&wanted) {
            return self.waiting.remove(at);
        }
        loop {
            let received = self.receive()?;
            if wanted(&received) {
                return Some(received);
            }
            self.waiting.push_back(received);
        }
    }

    fn receive(&mut self) -> Option<Received> {
        loop {
            if let Some((frame, used)) = Frame::decode(&self.received).unwrap() {
                self.received.drain(..used);
                return Some(understand(frame));
            }
            let mut buffer = vec![0; 64 << 10];
            match self.stream.read(&mut buffer) {
                Ok(0) => return None,
                Ok(count) => self.received.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("nothing came from the agent: {error}"),
            }
        }
    }
}

fn understand(frame: Frame) -> Received {
    match frame {
        Frame::Data {
            channel,
            stream,
            bytes,
        } => Received::Data(channel, stream, bytes),
        Frame::Message(json) => match serde_json::from_slice(&json).unwrap() {
            FromNode::Reply { id, result } => Received::Reply(id, result),
            FromNode::Event { channel, event } => Received::Event(channel, event),
        },
    }
}

pub(crate) fn message(id: u32, request: Request) -> Frame {
    Frame::Message(serde_json::to_vec(&ToNode { id, request }).unwrap())
}

/// A program of the node.
pub(crate) fn own(words: &[&str]) -> Command {
    Command {
        program: Program::Own(words.iter().map(|&word| word.to_owned()).collect()),
        env: std::collections::BTreeMap::new(),
        directory: None,
        terminal: None,
        lifetime: Lifetime::Connection,
    }
}

/// A line for the node's shell.
pub(crate) fn shell(line: &str) -> Command {
    own(&["sh", "-c", line])
}
