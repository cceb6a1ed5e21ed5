//! Labs on a GNS3 server.
//!
//! - [`console`]: streams to a node's agent over its console, where nothing else leads to it.

pub mod console;
