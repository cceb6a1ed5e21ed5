//! The file server as a program, over the loopback.
//!
//! - [`commands`]: what each command does, under every model.
//! - [`hostile`]: clients that do not behave.
//! - [`pools`]: exactly so many at once, workers that die, the end.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops where it fails"
)]

mod client;
mod commands;
mod hostile;
mod pools;
mod server;
