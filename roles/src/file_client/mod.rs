//! The parts that all clients of a file server share: [`outgoing`] encodes contents as base64, [`incoming`]
//! reads replies and their contents. There is no socket and no clock, and no content is held.

pub(crate) mod incoming;
pub(crate) mod outgoing;
pub mod probe;
