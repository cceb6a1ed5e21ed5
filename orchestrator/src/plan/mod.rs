//! From a checked topology to everything that a backend must make.
//!
//! - [`model`]: the plan.
//! - [`plan()`]: makes it.
//! - [`position`]: where everything is in a window.
//! - `routes`: shortest paths across the nodes that forward.

pub mod model;
mod planner;
pub mod position;
mod routes;

pub use model::{LabId, Plan, PlannedNode, Port, Segment};
pub use planner::plan;
