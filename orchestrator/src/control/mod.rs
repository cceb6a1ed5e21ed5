//! Speaks with a node's agent: the same on every backend, whatever byte stream leads there.
//!
//! - [`connection`]: requests and their replies over one byte stream.
//! - [`process`]: programs running in a node.
//! - [`transfer`]: files into and out of a node, logs and captures.
//! - [`error`]: why a node did not do what it was asked.

pub mod connection;
pub mod error;
pub mod process;
pub mod transfer;

pub use connection::{Control, GREETING_AGAIN};
pub use error::ControlError;
pub use process::{Collected, Process, ProcessEvent};
pub use transfer::{CaptureStream, Download};

#[cfg(test)]
mod connection_test;
#[cfg(test)]
mod transfer_test;
