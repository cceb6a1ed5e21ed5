//! A topology as a file again, with every address and MAC address in it.
//!
//! - [`writer`]: all of it, but
//! - [`conversation`]: the commands to a file server.

mod conversation;
mod writer;

pub use writer::resolved_toml;
