//! What is done in a lab that is up, and what came of it.
//!
//! - [`runner`]: the scenarios of a file, one after the other, each over its cells.
//! - [`cell`]: the parameter combinations of a scenario's matrix.
//! - [`broadcast`]: files from one node to many.
//! - [`role`]: the node's own programs and the lines that they print.
//! - [`steps`]: a user's programs, with expectations.
//! - [`capture`]: what every interface saw meanwhile.
//! - [`proof`]: what the captures prove.
//! - [`received`]: files out of nodes and their comparison.
//! - [`logs`]: what the nodes' own commands printed.
//! - [`context`]: what every scenario is given.

pub mod broadcast;
pub mod capture;
pub mod cell;
pub mod context;
pub mod logs;
pub mod proof;
pub mod received;
pub mod role;
pub mod runner;
pub mod steps;

pub use context::{Observer, RunContext};
pub use logs::keep_logs;
pub use runner::run_all;
