//! The sending side.
//!
//! - [`sender`]: the state machine ([`model`]: its inputs and outputs), of [`group`] and [`peer`] (the receivers),
//!   [`polls`] (the polls that were sent), [`repair_queue`] (the repairs that are due), [`pace`] and [`loss`] (the rate).
//! - [`loader`]: the bytes of blocks.
//! - [`task`]: both with a socket and files: one session, to be driven by whoever waits for it.

mod group;
mod loader;
mod loss;
mod model;
mod pace;
mod peer;
mod polls;
mod repair_queue;
mod sender;
mod task;

pub use group::{Expected, Lost};
pub use loader::{LoadError, Loader, Source};
pub use model::{SenderEvent, Sent, Settings, Transmit};
pub use sender::Sender;
pub use task::{SendError, SendOrder, SendTask};
