//! Labs in Linux namespaces on this machine, with root's rights or without.
//!
//! One process a lab, the keeper (`node keep`), makes the nodes and holds them; it and they are run
//! from the node binary in memory. They carry the lab's mark in their environment, which is how they
//! are found and removed, with no file needed.
//!
//! - [`backend`]: the backend itself.
//! - [`fabric`]: a lab that is up.
//! - [`keeper`]: the keeper of a lab that this process raises: starts it and speaks with it.
//! - [`spec`]: from the plan to what a keeper is told.
//! - [`preflight`]: whether this machine can carry a plan.
//! - [`removal`]: finds what carries our mark, and removes it.

pub mod backend;
mod fabric;
mod keeper;
mod preflight;
mod removal;
mod spec;

pub use backend::NetnsBackend;
