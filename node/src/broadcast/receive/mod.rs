//! The receiving side.
//!
//! - [`receiver`]: the state machine of a socket that any number of senders may send to.
//! - [`session`]: what came of one sender's session; [`files`] which of its files are proved;
//!   [`assembly`]: one block that is not whole yet.
//! - [`store`]: where files are kept.
//! - [`task`]: all with a socket and a directory, to be driven by whoever waits for it.

mod assembly;
mod files;
mod receiver;
mod session;
mod store;
mod task;

pub use receiver::{Action, Receiver, ReceiverEvent, SessionId, Settings};
pub use session::Counts;
pub use store::Store;
pub use task::{ReceiveError, ReceiveOrder, ReceiveTask};
