//! `run`: the whole process `orchestrator run topologies/two-servers.toml` in namespaces.
//!
//! - [`race()`]: runs it.
//! - [`whole`]: a program that is timed from its start to its exit.

mod race;
mod whole;

pub use race::race;
