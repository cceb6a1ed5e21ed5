//! `raise`: nodes on one network in namespaces, until each is ready.
//!
//! - [`race()`]: runs it.
//! - [`floor`]: what the kernel takes for it, without a process or a file system for any node.
//! - [`memory`]: what an idle node holds.

mod floor;
mod memory;
mod race;

pub use race::{MININET, race};
