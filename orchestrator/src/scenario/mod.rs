//! The scenarios run in a lab that is up, and their results.
//!
//! - [`runner`]: the scenarios of a file, one after the other, each over its cells.
//! - [`agenda`]: the scenarios and cells that are to be run; [`choice`]: a choice of cells.
//! - [`transfer`]: files from a node to others.
//! - [`conversation`]: commands to a file server.
//! - [`expectation`]: the verdict on a cell, and its turning round where it was to fail.
//! - [`role`]: the node's own programs; `printed`: the lines that they print, with a limit.
//! - [`serving`]: a file server on its node.
//! - [`steps`]: a user's programs, with expectations.
//! - [`stress`]: many clients at a file server.
//! - [`capture`]: the captures of all interfaces meanwhile.
//! - [`proof`]: judges the captures; `overflow`: frames that the machine lost.
//! - [`fetching`]: files out of nodes, as far as they may be believed.
//! - [`received`]: received files and their comparison.
//! - [`logs`]: the output of the nodes' own commands.
//! - [`estimate`]: estimates the time of the cells that are left.
//! - [`folder`]: folders in a node, and their removal.
//! - [`limits`]: the limits that nodes have reached.
//! - [`headline`]: scenarios in words.
//! - [`context`]: the context that every scenario gets.

pub mod agenda;
pub mod capture;
pub mod choice;
pub mod context;
pub mod conversation;
pub mod estimate;
pub mod expectation;
pub mod fetching;
pub mod folder;
pub mod headline;
pub mod limits;
pub mod logs;
mod overflow;
mod printed;
pub mod proof;
pub mod received;
pub mod role;
pub mod runner;
pub mod serving;
pub mod steps;
pub mod stress;
pub mod transfer;

pub use agenda::Agenda;
pub use choice::CellChoice;
pub use context::{Observer, RunContext};
pub use logs::keep_logs;
pub use runner::run_all;
