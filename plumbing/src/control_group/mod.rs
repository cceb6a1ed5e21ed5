//! Control groups, version 1 and 2 (cgroups(7)), named `orchestrator/LAB/NODE` below the place where this process
//! may make groups.
//!
//! - [`groups`]: the places, and the groups of labs there; [`place`]: one of them.
//! - [`group`]: the group of a node.
//! - [`limit`]: what they limit.

mod group;
mod groups;
mod limit;
mod place;

pub use group::{Counted, Group};
pub use groups::{ControlGroups, Hindrance};
pub use limit::{Controller, Limit};
