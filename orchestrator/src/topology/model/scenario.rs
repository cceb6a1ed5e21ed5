//! The activities in the lab.

use std::path::PathBuf;
use std::time::Duration;

use protocol::name::NodeName;
use protocol::unit::ByteSize;

use super::LinkEnd;
use super::conversation::Conversation;
use super::stress::Stress;
use super::transfer::{BroadcastAddress, Transfer};

/// A scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Its name, unique in the file.
    pub name: String,
    /// Its work.
    pub work: Work,
    /// The axes of its matrix: parameter to values, as written.
    pub matrix: Vec<(String, Vec<String>)>,
    /// The faults while it runs.
    pub faults: Vec<Fault>,
    /// The part of each frame that is captured.
    pub capture: CaptureMode,
    /// The bytes that its captures may take together, in place of the rest of the run's limit.
    pub capture_limit: Option<ByteSize>,
    /// The time limit of one cell.
    pub timeout: Duration,
    /// The expected outcome.
    pub expect: Expect,
}

/// The expected outcome of a scenario.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Expect {
    /// It passes.
    #[default]
    Pass,
    /// It fails, which is the lesson.
    Fail {
        /// Why it must.
        reason: String,
    },
}

/// The part of each frame that is captured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CaptureMode {
    /// Every byte.
    #[default]
    Full,
    /// The headers: 128 bytes of each frame.
    Headers,
    /// Nothing.
    Off,
}

impl std::fmt::Display for CaptureMode {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.pad(match self {
            Self::Full => "full",
            Self::Headers => "headers",
            Self::Off => "off",
        })
    }
}

/// The work of a scenario.
#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    /// Files from one node to many by UDP broadcast: every file to every receiver.
    Broadcast(Transfer, BroadcastAddress),
    /// Files from one node to as many others, one to each, by UDP unicast.
    Split(Transfer),
    /// Programs run on nodes, with expectations.
    Steps(Vec<Step>),
    /// Many clients at a file server.
    Stress(Box<Stress>),
    /// A scripted conversation with a file server.
    Conversation(Box<Conversation>),
}

impl Work {
    /// Returns the transfer, where files are sent.
    pub fn transfer(&self) -> Option<&Transfer> {
        match self {
            Self::Broadcast(transfer, _) | Self::Split(transfer) => Some(transfer),
            Self::Steps(_) | Self::Stress(_) | Self::Conversation(_) => None,
        }
    }
}

/// One step of a `steps` scenario. Exactly one action, with its expectations.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its name in reports: the file's `name`, or the action in words.
    pub name: String,
    /// The action.
    pub action: Action,
    /// The time limit, retries included.
    pub within: Duration,
    /// Whether it is tried again until it holds or `within` is over.
    pub retry: bool,
}

/// The action of a step. Texts may hold `${name}` for values captured by earlier steps, which
/// [`crate::topology::fill`] replaces.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Runs a program to its end.
    Run(RunProgram),
    /// Starts a program that runs beside the later steps, under a name.
    Start {
        /// The program to run.
        program: RunProgram,
        /// Its name in later steps.
        id: String,
    },
    /// Waits for a program started earlier to end.
    Finish {
        /// Its name.
        id: String,
        /// Its expected result.
        expect: Expectation,
    },
    /// Ends a program started earlier, by a signal.
    Stop {
        /// Its name.
        id: String,
        /// The signal's number.
        signal: i32,
    },
    /// Waits until a port listens.
    AwaitPort {
        /// Where.
        node: NodeName,
        /// TCP or UDP.
        transport: protocol::control::Transport,
        /// The port.
        port: u16,
    },
    /// Waits until a program started earlier has printed a line with this text.
    AwaitLine {
        /// Its name.
        id: String,
        /// The text.
        text: String,
    },
    /// Waits until a file exists.
    AwaitFile {
        /// Where.
        node: NodeName,
        /// Its absolute path.
        path: String,
    },
    /// Expects files to be equal byte for byte.
    Equal {
        /// The file that they must equal: on this machine or in a node.
        original: FilePlace,
        /// The copies.
        copies: Vec<FilePlace>,
    },
}

/// A program of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct RunProgram {
    /// Where.
    pub node: NodeName,
    /// Program and arguments.
    pub command: Vec<String>,
    /// Its expected result.
    pub expect: Expectation,
    /// Captures a value from its output under a name: the whole, trimmed, or what `pattern` finds.
    pub save: Option<SaveValue>,
}

/// A value captured from a program's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaveValue {
    /// The name for `${name}` later.
    pub name: String,
    /// The text between these two marks, where given; else the whole output, trimmed. An empty mark
    /// is the output's start or the line's end.
    pub between: Option<(String, String)>,
}

/// The expected result of a program that ended. By default, that it ended with 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expectation {
    /// Its exit code.
    pub code: i32,
    /// Texts that its standard output must contain.
    pub stdout_contains: Vec<String>,
    /// The expected standard output, trimmed.
    pub stdout_is: Option<String>,
    /// Texts that its standard error must contain.
    pub stderr_contains: Vec<String>,
}

/// Where a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilePlace {
    /// On this machine.
    Here(PathBuf),
    /// In a node.
    Node(NodeName, String),
}

/// Something that happens while a scenario runs. Checked by this version, carried out by a later one.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// When, from the start of the cell.
    pub at: Duration,
    /// For how long; `None`: to the cell's end.
    pub lasts: Option<Duration>,
    /// The kind of fault.
    pub kind: FaultKind,
}

/// The kind of a fault.
#[derive(Debug, Clone, PartialEq)]
pub enum FaultKind {
    /// Groups of nodes that hear only their own.
    Partition(Vec<Vec<NodeName>>),
    /// A wire or interface that is down.
    Down(LinkEnd),
    /// A node whose processes are killed, and started again when it is over.
    Kill(NodeName),
    /// A node whose processes are stopped, and go on when it is over.
    Pause(NodeName),
}
