//! The protocol between the orchestrator and the node.
//!
//! Pure: no I/O, no clock, no async. Both binaries link it, so a change here changes both ends.
//!
//! - [`name`]: names that are parsed once at the edge and valid ever after.
//! - [`frame`]: bytes on the control channel to frames and back.
//! - [`control`]: what the frames say: requests, replies and events of a node's agent.
//! - [`console`]: a byte stream over a terminal that others use too.
//! - [`settings`]: how a node's interfaces, addresses, routes and hosts are to be.
//! - [`broadcast`]: the wire format of a broadcast.
//! - [`unit`]: values with units, parsed once.
//! - [`link`]: the links of a lab and their conditions.
//! - [`keeper`]: what a netns lab's keeper is told to make and asked while the lab is up.
//! - [`role`]: the lines that roles (broadcast sender, receiver, file server) print.
//! - [`file_service`]: the file server's protocol over TCP; [`content`]: random files for it.
//! - [`conversation`]: what the client of a scripted conversation with a file server is told, and tells.
//! - [`limits`]: the resource limits of a node's programs.
//! - [`shortage`]: the remedy to name where the system lacks processes or threads.
//! - [`stress`]: what the file server and the clients that put it under load report.
//! - [`task`]: concurrency models and framings of senders, and what became of each file's task.

pub mod broadcast;
pub mod console;
pub mod content;
pub mod control;
pub mod conversation;
pub mod file_service;
pub mod frame;
pub mod keeper;
pub mod limits;
pub mod link;
pub mod name;
pub mod role;
pub mod settings;
pub mod shortage;
pub mod stress;
pub mod task;
pub mod unit;

/// Version of the control channel. Both ends name theirs in the greeting and refuse another.
pub const VERSION: u32 = 1;
