//! Where labs can run.
//!
//! - [`capability`]: what a backend's links can do.
//! - [`contract`]: the traits [`Backend`] and [`Fabric`], and the resources that they make.
//! - `creation`: requests that end even if nobody waits.
//! - [`docker`]: labs on a Docker engine.
//! - [`fake`]: a backend in memory, for tests.
//! - [`gns3`]: labs on a GNS3 server.
//! - [`error`]: why a backend could not do what it was asked.
//! - [`netns`]: labs in Linux namespaces on this machine.
//! - [`origin`]: where a lab was raised, as marks say it and as records do.

pub mod capability;
pub mod contract;
mod creation;
pub mod docker;
pub mod error;
pub mod fake;
pub mod gns3;
pub mod netns;
pub mod origin;

pub use capability::Capabilities;
pub use contract::{
    Backend, BackendKind, Fabric, Hold, Ledger, Owned, Provenance, Resource, Turn, Wire,
};
pub use error::{BackendError, BackendErrorKind};
pub use origin::Origin;
