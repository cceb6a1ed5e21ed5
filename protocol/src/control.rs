//! The messages on the control channel.
//!
//! The orchestrator sends [`ToNode`], the node's agent answers each with one [`FromNode::Reply`] that
//! carries its number. Channels that move bytes (a process, a file, a capture, a log) have a
//! channel, a number chosen by the orchestrator and used once per connection; their bytes travel as
//! data frames and their ends as [`FromNode::Event`].
//!
//! Several connections may be open to one agent at once. What a connection started (processes,
//! captures) ends with it, unless it was started as [`Lifetime::Node`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::limits::Reached;
use crate::name::InterfaceName;
use crate::settings::NodeSettings;

/// Which of a channel's streams a data frame belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Stream {
    /// Standard input of a process, or the body of a file being put.
    Input = 0,
    /// Standard output of a process (all output of one with a terminal), the body of a file, log or
    /// capture being fetched.
    Output = 1,
    /// Standard error of a process.
    Error = 2,
}

impl Stream {
    /// The stream that a byte on the wire stands for.
    pub fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Input),
            1 => Some(Self::Output),
            2 => Some(Self::Error),
            _ => None,
        }
    }
}

/// A message to the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToNode {
    /// Number of the request, echoed by its reply; used once per connection.
    pub id: u32,
    /// The request.
    pub request: Request,
}

/// A request to an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Opens the connection. Replied to with [`Reply::Ready`], or refused if versions differ.
    Hello {
        /// The orchestrator's [`crate::VERSION`].
        version: u32,
    },
    /// Gives the node its host name, interfaces, addresses, routes and hosts file.
    Configure(Box<NodeSettings>),
    /// Starts a process. Its output follows on `channel`, its end as [`Event::Exited`].
    Start {
        /// The channel's number.
        channel: u32,
        /// The command to run.
        command: Command,
    },
    /// Sends a signal to a process that this connection started.
    Signal {
        /// The process's channel.
        channel: u32,
        /// The signal's number (signal(7)).
        signal: i32,
    },
    /// Changes the terminal size of a process.
    Resize {
        /// The process's channel.
        channel: u32,
        /// The new size.
        size: WindowSize,
    },
    /// Writes a file; its body follows on `channel`'s input stream. Missing folders are made. The
    /// reply comes once the last byte is in place under its final name.
    Put {
        /// The channel's number.
        channel: u32,
        /// Absolute path in the node.
        path: String,
        /// Permission bits.
        mode: u32,
    },
    /// Reads a file; its body follows on `channel`'s output stream after [`Reply::File`].
    Get {
        /// The channel's number.
        channel: u32,
        /// Absolute path in the node.
        path: String,
        /// The bytes after which its body ends; none for all of it.
        #[serde(default)]
        at_most: Option<u64>,
    },
    /// Names the entries of a folder. Replied to with [`Reply::Entries`].
    List {
        /// Absolute path in the node.
        path: String,
    },
    /// Replies once the condition holds, or fails with [`FailureKind::Deadline`].
    Await {
        /// The condition to wait for.
        condition: Condition,
        /// The time limit, in milliseconds.
        within_ms: u64,
    },
    /// Captures an interface's frames as pcapng on `channel`. Replied to once every later frame is
    /// sure to be seen; ends with [`Event::CaptureEnded`].
    Capture {
        /// The channel's number.
        channel: u32,
        /// The frames to capture.
        capture: Capture,
    },
    /// Ends a capture after everything that has arrived by now was written.
    StopCapture {
        /// The capture's channel.
        channel: u32,
    },
    /// Sends the log of the node's own command, from its start; follows it if asked to, else the
    /// stream ends.
    Logs {
        /// The channel's number.
        channel: u32,
        /// Goes on with what is still to come.
        follow: bool,
    },
    /// Starts the node's own command (the topology's `command`), whose output goes to the log. It is
    /// not bound to this connection.
    Launch {
        /// The command to run.
        command: Command,
    },
    /// Describes the node: processes and the state of its own command.
    Status,
}

/// A program to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Which program.
    pub program: Program,
    /// Variables added to the node's environment.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Absolute working directory; default: the node's home, `/root`, or the image's.
    #[serde(default)]
    pub directory: Option<String>,
    /// Gives the process a terminal of this size.
    #[serde(default)]
    pub terminal: Option<WindowSize>,
    /// Whether it outlives the connection.
    #[serde(default)]
    pub lifetime: Lifetime,
}

/// Which program a [`Command`] runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Program {
    /// A program of the node itself, looked up in its `PATH`: program and arguments.
    Own(Vec<String>),
    /// A role of the node binary (`broadcast-send`, …): its arguments.
    Role(Vec<String>),
}

/// The lifetime of a process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lifetime {
    /// Killed, with its process group, when the connection ends.
    #[default]
    Connection,
    /// Goes on until the node ends.
    Node,
}

/// A terminal's size in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowSize {
    /// Lines.
    pub rows: u16,
    /// Characters a line.
    pub columns: u16,
}

/// A condition that [`Request::Await`] can wait for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// A TCP socket listens on the port, or a UDP socket is bound to it.
    Port {
        /// Which protocol.
        transport: Transport,
        /// The port's number.
        port: u16,
    },
    /// No TCP socket listens on the port, and no UDP socket is bound to it.
    FreePort {
        /// Which protocol.
        transport: Transport,
        /// The port's number.
        port: u16,
    },
    /// A file exists.
    File {
        /// Absolute path in the node.
        path: String,
    },
}

/// A transport protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// The frames that a capture takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    /// The interface to listen on.
    pub interface: InterfaceName,
    /// Bytes kept of each frame; `None` keeps all.
    pub snap_length: Option<u32>,
    /// The capture ends, incomplete, once this many bytes of pcapng were sent.
    pub limit: u64,
}

/// A message from the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromNode {
    /// The answer to a request.
    Reply {
        /// The request's number.
        id: u32,
        /// The result.
        result: Result<Reply, Failure>,
    },
    /// Something happened in a channel.
    Event {
        /// The channel's number.
        channel: u32,
        /// The event.
        event: Event,
    },
}

/// The answers to requests that succeed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The agent is there.
    Ready {
        /// Its [`crate::VERSION`].
        version: u32,
    },
    /// Done; nothing more to say.
    Done,
    /// The process runs.
    Started {
        /// Its number in the node's process name space.
        pid: u32,
    },
    /// A file's body follows.
    File {
        /// Its length in bytes when it was opened.
        length: u64,
        /// Its permission bits.
        mode: u32,
    },
    /// A folder's entries, sorted by name.
    Entries(Vec<Entry>),
    /// The node's current state.
    Status(Status),
}

/// An entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name, without the folder.
    pub name: String,
    /// Its length in bytes.
    pub length: u64,
    /// Whether it is itself a folder.
    pub folder: bool,
}

/// The current state of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Processes in the node, the agent included.
    pub processes: u32,
    /// The state of the node's own command, where it has one.
    pub command: Option<CommandState>,
    /// The limits that it has reached.
    #[serde(default)]
    pub reached: Reached,
}

/// The state of the node's own command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandState {
    /// It runs.
    Running {
        /// Its number in the node's process name space.
        pid: u32,
    },
    /// It ended.
    Ended(Exit),
}

/// An event in a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The process ended, and all its output was sent.
    Exited(Exit),
    /// The capture ended, and all its bytes were sent.
    CaptureEnded(CaptureSummary),
    /// A file or log could not be sent to its end.
    Broken(Failure),
}

/// The way a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

/// The counts of a capture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureSummary {
    /// Frames written.
    pub packets: u64,
    /// Frames that the kernel dropped for want of buffer (`PACKET_STATISTICS`, packet(7)).
    pub dropped: u64,
    /// Whether the size limit or an error ended it early, and why.
    pub cut_short: Option<String>,
}

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The kind, on which callers branch.
    pub kind: FailureKind,
    /// The failure, its place and its cause, as one clause.
    pub message: String,
}

/// The kinds of failure that callers tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The other end speaks another version.
    Version,
    /// No such file, program, interface or channel.
    NotFound,
    /// Not permitted here.
    Denied,
    /// The deadline passed.
    Deadline,
    /// The request makes no sense.
    Invalid,
    /// The system said no: the message carries its words.
    System,
}
