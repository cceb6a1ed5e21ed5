//! The proof of a broadcast from its captures: its frames went to everyone, and each receiver's interface saw
//! them.
//!
//! - [`judge`]: the verdict over the captures of sender and receivers.
//! - [`traffic`]: the broadcast's frames in one capture.
//! - [`frame`]: one captured frame.

pub mod judge;
pub mod traffic;

mod frame;

pub use judge::{Broadcast, Delivery, Receiver, judge};
