//! The file server and the stress clients as programs, over the loopback.
//!
//! - [`commands`]: what each command does, under every model.
//! - [`conversation`]: a scripted client, with servers of every kind at the other end.
//! - [`hostile`]: clients that do not behave.
//! - [`pools`]: exactly so many at once, workers that die, the end.
//! - [`survival`]: many clients at once, while workers are killed.
//! - [`stress`]: our clients, with our server at the other end; [`python`]: Python at either end.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops where it fails"
)]

mod client;
mod commands;
mod conversation;
mod hostile;
mod pools;
mod python;
mod server;
mod stress;
mod survival;
