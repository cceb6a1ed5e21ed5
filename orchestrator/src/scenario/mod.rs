//! What is done in a lab that is up, and what came of it.
//!
//! - [`runner`]: the scenarios of a file, one after the other, each over its cells.
//! - [`cell`]: the parameter combinations of a scenario's matrix.
//! - [`transfer`]: files from a node to others.
//! - [`expectation`]: the verdict on a cell, and its turning round where it was to fail.
//! - [`role`]: the node's own programs and the lines that they print.
//! - [`steps`]: a user's programs, with expectations.
//! - [`capture`]: what every interface saw meanwhile.
//! - [`proof`]: what the captures prove.
//! - [`received`]: files out of nodes and their comparison.
//! - [`logs`]: what the nodes' own commands printed.
//! - [`context`]: what every scenario is given.

pub mod capture;
pub mod cell;
pub mod context;
pub mod expectation;
pub mod logs;
pub mod proof;
pub mod received;
pub mod role;
pub mod runner;
pub mod steps;
pub mod transfer;

pub use context::{Observer, RunContext};
pub use logs::keep_logs;
pub use runner::run_all;
