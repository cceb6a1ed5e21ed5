//! A backend in memory, for tests: it records what it made, fails where it is told to, and its nodes
//! know a handful of programs.
//!
//! - [`world`]: what exists, and what shall go wrong.
//! - [`faults`]: what shall go wrong, in words.
//! - [`agent`]: speaks the control protocol for a node in memory.
//! - [`program`]: the programs that its nodes know.

mod agent;
mod faults;
mod program;
pub mod world;

pub use world::{FakeBackend, Tamper};
