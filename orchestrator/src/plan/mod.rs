//! From a checked topology to everything that a backend must make.
//!
//! - [`model`]: the plan.
//! - [`carrier`]: what carries frames, and what it loses of them.
//! - [`link`]: its links, which stay, with the conditions that a cell gives them.
//! - [`plan()`]: makes it.
//! - [`position`]: where everything is in a window.
//! - [`provision`]: files and programs that nodes are given once they are up.
//! - `routes`: shortest paths across the nodes that forward.

pub mod carrier;
pub mod link;
pub mod model;
mod planner;
pub mod position;
pub mod provision;
mod routes;

pub use carrier::Carrier;
pub use link::{LinkConditions, PlannedEnd, PlannedLink, link_conditions};
pub use model::{LabId, Plan, PlannedNode, Segment};
pub use planner::plan;
pub use provision::{Provision, provisions};
