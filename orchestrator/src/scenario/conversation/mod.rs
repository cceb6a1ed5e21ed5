//! A scripted conversation with a file server.
//!
//! - [`cell`]: one cell, from the server's start to its end.
//! - [`client`]: the role that gives the commands, one at a time.
//! - [`folder`]: the server's files: what lies there at the start, and what came to lie there.
//! - [`judgement`]: what was heard, against what was expected.

pub mod cell;
pub mod client;
pub mod folder;
pub mod judgement;

pub use cell::run;
