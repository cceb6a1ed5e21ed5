//! What every client of a file server has: contents to base64 on their way out ([`outgoing`]), replies
//! and their contents on their way in ([`incoming`]). No socket, no clock, and no content held.

pub(crate) mod incoming;
pub(crate) mod outgoing;
pub mod probe;
