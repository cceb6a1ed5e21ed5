//! From a checked topology to everything that a backend must make.
//!
//! - [`model`]: the plan.
//! - [`plan()`]: makes it.
//! - `routes`: shortest paths across the nodes that forward.

pub mod model;
mod planner;
mod routes;

pub use model::{LabId, Plan, PlannedNode, Port, Segment};
pub use planner::plan;
