//! Files from one node to any number of others in one go, by UDP broadcast.
//!
//! The wire format is [`protocol::datagram`] and [`protocol::manifest`]. [`Sender`] and [`Receiver`]
//! are state machines without sockets or clock, so that a test can run hundreds of bad networks in a
//! second, and so that a faster engine replaces either side or its driver alone. [`send`] and
//! [`receive`] drive them with one thread and one socket each.
//!
//! Receivers only answer polls, the sender decides what is sent when: what it repeats is the union of
//! what the receivers lack, so a block that two of them lost is sent again once.

mod group;
mod incoming;
pub(crate) mod lines;
mod options;
mod pace;
mod proof;
mod random;
mod ranges;
mod receive;
mod receiver;
mod round;
mod send;
mod sender;
#[cfg(test)]
mod simulation;
mod socket;
mod store;

pub use group::Expected;
pub use options::{ReceiveArguments, SendArguments};
pub use receive::receive;
pub use receiver::{Action, Receiver, Settings as ReceiverSettings};
pub use send::send;
pub use sender::{Sender, Settings as SenderSettings, Transmit};
pub use store::Store;
