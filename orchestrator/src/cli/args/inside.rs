//! Arguments of verbs that look into labs that are up, and act there.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use protocol::unit::Time;

/// `ps`.
#[derive(Debug, Clone, Args)]
pub struct PsArgs {
    /// Only this lab.
    pub lab: Option<String>,
}

/// A node: `NODE`, or `LAB/NODE` where two labs are up.
#[derive(Debug, Clone, Args)]
pub struct NodeArg {
    /// The node, or LAB/NODE where two labs are up.
    pub node: String,
}

/// `exec`.
#[derive(Debug, Clone, Args)]
pub struct ExecArgs {
    /// The node.
    #[command(flatten)]
    pub node: NodeArg,
    /// Give the program a terminal.
    #[arg(short, long)]
    pub tty: bool,
    /// The program and its arguments.
    #[arg(last = true, required = true)]
    pub command: Vec<String>,
}

/// `logs`.
#[derive(Debug, Clone, Args)]
pub struct LogsArgs {
    /// The node.
    #[command(flatten)]
    pub node: NodeArg,
    /// Go on with what is still to come.
    #[arg(short, long)]
    pub follow: bool,
}

/// `cp`.
#[derive(Debug, Clone, Args)]
pub struct CpArgs {
    /// A file here, or a node, a colon and an absolute path.
    pub from: String,
    /// A file or folder here, or a node, a colon and an absolute path.
    pub to: String,
}

/// `capture`.
#[derive(Debug, Clone, Args)]
pub struct CaptureArgs {
    /// The interface, as NODE:INTERFACE.
    #[arg(required_unless_present = "all")]
    pub end: Option<String>,
    /// Capture every interface of the lab; `--write` is then a folder.
    #[arg(long, conflicts_with = "end", requires = "write")]
    pub all: bool,
    /// The lab, where two are up and every interface is captured.
    #[arg(long, requires = "all")]
    pub lab: Option<String>,
    /// Where to write [default: standard output].
    #[arg(short, long, value_name = "FILE", env = "ORCHESTRATOR_WRITE")]
    pub write: Option<PathBuf>,
    /// Keep only this many bytes of each frame.
    #[arg(long, value_name = "BYTES")]
    pub snap_length: Option<u32>,
    /// End after this long, such as 10s [default: at Ctrl-C].
    #[arg(long, value_name = "TIME")]
    pub duration: Option<Time>,
}

/// `fault`.
#[derive(Debug, Clone, Args)]
pub struct FaultArgs {
    /// The fault that begins, or ends.
    pub fault: FaultWord,
    /// The interface, as NODE:INTERFACE, whose link goes down or up, eth0 where none is said; or the
    /// node.
    #[arg(value_name = "NODE[:INTERFACE]")]
    pub target: String,
}

/// A fault that begins in a lab, or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FaultWord {
    /// An interface's link passes nothing more.
    Down,
    /// It passes frames again.
    Up,
    /// A node's processes are stopped where they are; its kernel still answers pings.
    Pause,
    /// They go on.
    Resume,
}
