//! Streams to a node's agent over its console, where nothing else leads to it: one telnet connection to GNS3's
//! server, at whose other end `node console` is started. What both say is [`protocol::console`]'s.
//!
//! - [`client`]: what a fabric has of it. - [`error`]: why there is none.
//! - [`telnet`]: what GNS3 says around a console's bytes. - [`channel`]: lines over the connection.
//! - [`greeting`]: how a session begins. - [`session`]: what it does until its end.
//! - [`streams`]: the many streams in it. - [`agent_stream`]: one of them.
//! - [`pending_closes`]: what a process waits for before it ends.

mod agent_stream;
mod channel;
mod client;
mod error;
mod greeting;
mod pending_closes;
mod session;
mod streams;
mod telnet;

pub use client::Console;
pub use error::{ConsoleError, ConsoleErrorKind};
pub use pending_closes::PendingCloses;
