//! What the end-to-end tests share.
//!
//! - [`conformance`]: one suite for every backend.
//! - [`trials`]: tests that are run, or named with the reason why they are not.
//! - [`capability`]: what this machine can run, and why not.
//! - [`conversations`]: labs in which a file server in Python is given commands.
//! - [`full_pipe`]: a pipe that nobody reads.
//! - [`groups`]: control groups for the tests themselves.
//! - [`isolation`]: namespaces for the tests themselves.
//! - [`manual`]: the commands that the README shows.
//! - [`models`]: every concurrency model under every framing.
//! - [`patience`]: waiting for what must come.
//! - [`pretended_engine`]: an engine that is none.
//! - [`running`]: a command that is watched while it runs.
//! - [`sandbox`]: one invocation of a command after the other, in a folder of its own.
//! - [`host`]: a census of the machine, to compare before and after.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test fails by panicking"
)]

pub mod capability;
pub mod conformance;
pub mod conversations;
pub mod full_pipe;
pub mod groups;
pub mod host;
pub mod isolation;
pub mod manual;
pub mod models;
pub mod patience;
pub mod pretended_engine;
pub mod running;
pub mod sandbox;
pub mod trials;
