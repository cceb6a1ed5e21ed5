//! The client of a scripted conversation with a file server (`node converse`).
//!
//! [`command`] takes orders and tells of replies; [`dialogue`] has the connections and the clock;
//! [`exchange`] is one command and its reply, without sockets or clock. Contents are streamed from and
//! to files, so that memory does not grow with them.

mod command;
mod dialogue;
mod exchange;

pub use command::{ConverseArguments, converse};
