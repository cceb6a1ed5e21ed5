//! What needs neither namespaces nor Docker.
//!
//! - [`conformance`]: the suite of every backend, on the one in memory.
//! - [`words`]: help, version and completions.
//! - [`shipped`]: the topologies that come along.
//! - [`codes`]: how a run on the backend in memory ends, by its exit code.
//! - [`cells`]: which cells are run, and which are left out.
//! - [`endings`]: runs that are broken off.
//! - [`silent`]: engines and servers that say nothing.
//! - [`unread`]: commands whose output nobody reads.
//! - [`gns3`]: labs as GNS3 projects and back.
//! - [`input`]: what is wrong with what the user gave.
//! - [`program`]: the program that is installed.
//! - [`readme`]: what the README says of building and testing.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cells;
mod codes;
mod conformance;
mod endings;
mod gns3;
mod input;
mod program;
mod readme;
mod shipped;
mod silent;
mod unread;
mod words;

use std::path::Path;

use e2e::sandbox::{Sandbox, Who};

/// A sandbox for the command under test.
fn sandbox() -> Sandbox {
    let program = env!("CARGO_BIN_EXE_orchestrator-under-test");
    let mut sandbox = Sandbox::new(Who::Caller, Path::new(program));
    // No test here may find an engine.
    sandbox.set("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    sandbox
}
