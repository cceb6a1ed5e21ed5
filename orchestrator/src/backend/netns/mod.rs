//! Labs in Linux namespaces on this machine, with root's rights or without.
//!
//! Each lab has a process, the keeper (`node keep`), which makes the nodes and holds them. The keeper and the nodes
//! run the node binary from memory, and carry the lab's mark in their environment.
//!
//! - [`backend`]: the backend itself.
//! - [`fabric`]: a lab that is up.
//! - [`channel`]: the way to the keeper of a lab that is up; [`socket`]: to any socket of it.
//! - [`keeper`]: starts the keeper of a lab that this process raises, and speaks with it.
//! - [`spec`]: translates the plan into a keeper's orders.
//! - [`preflight`]: checks whether this machine can carry a plan.
//! - [`removal`]: removes the resources of a ledger, and finds processes that carry a lab's mark.

pub mod backend;
mod channel;
mod fabric;
mod keeper;
mod preflight;
mod removal;
mod socket;
mod spec;

pub use backend::NetnsBackend;
pub use removal::{SOCKETS, is_made_by_keeper, remove_sockets};
