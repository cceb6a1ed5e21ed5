//! `run`: the whole process `orchestrator run topologies/two-servers.toml` in namespaces. `export`: the
//! whole process `orchestrator export gns3` of 200 nodes.
//!
//! - [`race()`], [`export()`]: run them.
//! - [`whole`]: a program that is timed from its start to its exit.

mod export;
mod race;
mod whole;

pub use export::export;
pub use race::race;
