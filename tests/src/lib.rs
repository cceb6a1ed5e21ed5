//! What the end-to-end tests share.
//!
//! - [`conformance`]: one suite for every backend.
//! - [`trials`]: tests that are run, or named with the reason why they are not.
//! - [`capability`]: what this machine can run, and why not.
//! - [`isolation`]: namespaces for the tests themselves.
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
pub mod host;
pub mod isolation;
pub mod sandbox;
pub mod trials;
