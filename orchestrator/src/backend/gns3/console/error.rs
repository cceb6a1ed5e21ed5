//! Why there are no streams over a console.

use std::io;
use std::sync::Arc;

use protocol::name::NodeName;

/// Why there are no streams over a node's console.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the console of {node} at {address}: {kind}")]
pub struct ConsoleError {
    /// The node.
    pub node: NodeName,
    /// Where its console is, as `host:port`.
    pub address: String,
    /// The kind of failure.
    #[source]
    pub kind: ConsoleErrorKind,
}

/// The kinds of failure.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ConsoleErrorKind {
    /// The connection could not be made.
    #[error(
        "it cannot be reached: {0}; does the server let others than itself connect to consoles?"
    )]
    Unreachable(#[source] Arc<io::Error>),
    /// The program in the node did not answer.
    #[error("no answer to {asked} within {seconds} s; {seen}")]
    NoAnswer {
        /// The command that was typed.
        asked: String,
        /// The time waited.
        seconds: u64,
        /// The text seen instead.
        seen: String,
    },
    /// The server passes nothing on, not even the echo of what is typed. 3.0.6 does so once a client that was
    /// being written to is cut off, for good; resetting the node's console over REST mends it.
    #[error(
        "the server passes nothing on from it, as GNS3 3.0 does after a client was cut off; reset the console there"
    )]
    Mute,
    /// The program in the node is another version's.
    #[error("its program speaks version {0} of the protocol and this one {ours}; make its image anew with `orchestrator image`", ours = protocol::VERSION)]
    Version(u32),
    /// A newer client has the console.
    #[error("another client of orchestrator has taken it over; a console serves one at a time")]
    TakenOver,
    /// The node was not heard for long.
    #[error("nothing was heard for a minute")]
    Silent,
    /// The program in the node ended.
    #[error("its program ended")]
    Ended,
    /// The server closed the connection.
    #[error("the server closed it; does the node still run?")]
    Closed,
    /// As many streams as it carries are open.
    #[error("{0} streams are open over it, which is all it carries")]
    Full(usize),
}
