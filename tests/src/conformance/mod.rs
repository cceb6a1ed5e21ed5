//! One suite for every backend: what [`orchestrator::backend::contract`] promises, and what
//! [`orchestrator::control`] can do in every node.
//!
//! - [`site`]: a backend under test and what its nodes know.
//! - [`case`]: what a case is, and all of them.
//! - [`runner`]: each case in a process of its own.
//! - [`lifecycle`]: raise, survey, remove, keep, attach.
//! - [`conditions`]: changed by one process, read by another.
//! - [`ledger`]: nothing is made before it is recorded.
//! - [`nodes`]: programs, files and waiting, the same on every backend.
//! - [`programs`]: what needs a shell in the node.
//! - [`network`]: what moves between nodes.
//! - [`serving`]: a file server whose workers are killed.

pub mod case;
mod conditions;
mod ledger;
mod lifecycle;
mod network;
mod nodes;
mod programs;
pub mod runner;
mod serving;
pub mod site;

pub use case::{CASES, Case, Needs};
pub use site::Site;
