//! From a checked topology to everything that a backend must make.
//!
//! - [`model`]: the plan.
//! - [`conditions`]: the conditions of one direction of a link.
//! - [`link`]: its links, which stay, with the conditions that a cell gives them.
//! - [`plan()`]: makes it.
//! - [`position`]: where everything is in a window.
//! - [`provision`]: files and programs that nodes are given once they are up.
//! - `routes`: shortest paths across the nodes that forward.

pub mod conditions;
pub mod link;
pub mod model;
mod planner;
pub mod position;
pub mod provision;
mod routes;

pub use conditions::{Carrier, Conditions};
pub use link::{Direction, LinkConditions, LinkId, PlannedEnd, PlannedLink, link_conditions};
pub use model::{LabId, Plan, PlannedNode, Port, Segment};
pub use planner::plan;
pub use provision::{Provision, provisions};
