//! Files from one node to any number of others in one go, by UDP broadcast or multicast.
//!
//! The wire format is [`protocol::broadcast`]. [`Sender`] and [`Receiver`] are state machines without
//! sockets or clock, so that a test can run a thousand bad networks in seconds. [`SendTask`] and
//! [`ReceiveTask`] give them a socket and files; a [`Task`] never blocks, so that threads, event loops
//! and processes can run any number of them.
//!
//! - [`mod@send`], [`mod@receive`]: the two ends.
//! - [`net`]: sockets. [`task`]: how ends are driven.
//! - [`options`] and [`command`]: the node's subcommands.

mod command;
mod net;
mod options;
#[doc(hidden)]
pub mod probe;
pub(crate) mod random;
mod receive;
mod send;
#[cfg(test)]
mod simulation;
mod task;

pub use command::{receive, send};
pub(crate) use net::wait;
pub use net::{DROP, Dropping, Segmentation};
pub use options::{ReceiveArguments, SendArguments};
pub use receive::{
    Action, Assembly, Contents, Counts, DecoderCache, ReceiveError, ReceiveOrder, ReceiveTask,
    Receiver, ReceiverEvent, Record, SessionId, Settings as ReceiverSettings, Store, Whole,
};
pub use send::{
    Expected, LoadError, Loader, Lost, SendError, SendOrder, SendTask, Sender, SenderEvent, Sent,
    Settings as SenderSettings, Source, Transmit,
};
pub use task::{Step, Task, Wait};
