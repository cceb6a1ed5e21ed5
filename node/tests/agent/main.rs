//! The agent as an ordinary process, driven over its socket with the frames of the control channel.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in the tests' own client a failure is a failed test"
)]

mod captures;
mod client;
mod connections;
mod files;
mod processes;
mod service;
mod terminals;
mod waits;
