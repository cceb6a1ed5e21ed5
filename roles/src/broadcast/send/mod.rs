//! The sending side.
//!
//! - [`sender`]: the state machine ([`model`]: what it is told and tells), of [`group`] and [`peer`] (who receives), [`polls`] (what was asked
//!   when), [`damage`] (what is to be repaired and how), [`pace`] and [`loss`] (how fast).
//! - [`loader`]: the bytes of blocks.
//! - [`task`]: both with a socket and files: one session, to be driven by whoever waits for it.

mod damage;
mod group;
mod loader;
mod loss;
mod model;
mod pace;
mod peer;
mod polls;
mod sender;
mod task;

pub use group::{Expected, Lost};
pub use loader::{LoadError, Loader, Source};
pub use model::{SenderEvent, Sent, Settings, Transmit};
pub use sender::Sender;
pub use task::{SendError, SendOrder, SendTask};
