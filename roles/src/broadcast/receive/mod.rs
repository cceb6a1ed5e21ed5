//! The receiving side.
//!
//! - [`receiver`]: the state machine of a socket that any number of senders may send to.
//! - [`session`]: what came of one sender's session; [`files`] which of its files are proved;
//!   [`assembly`]: one block that is not whole yet; [`decoder`]: a thread that makes blocks whole.
//! - [`rest`]: how long the socket may be left alone.
//! - [`store`]: where files are kept; [`journal`]: what is known of them after a restart.
//! - [`task`]: all with a socket and a directory, to be driven by whoever waits for it.

mod assembly;
mod decoder;
mod files;
mod journal;
mod receiver;
mod rest;
mod session;
mod store;
mod task;

pub use assembly::{Assembly, DecoderCache, Whole};
pub use journal::Record;
pub use receiver::{Action, Contents, Receiver, ReceiverEvent, SessionId, Settings};
pub use session::Counts;
pub use store::Store;
pub use task::{ReceiveError, ReceiveOrder, ReceiveTask};
