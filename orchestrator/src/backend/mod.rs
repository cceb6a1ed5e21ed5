//! Where labs can run.
//!
//! - [`contract`]: the traits [`Backend`] and [`Fabric`], and the resources that they make.
//! - `pending_request`: requests that end even if nobody waits.
//! - [`docker`]: labs on a Docker engine.
//! - [`fake`]: a backend in memory, for tests.
//! - `impaired`: whether a topology has links that are to be bad.
//! - [`gns3`]: labs on a GNS3 server.
//! - [`error`]: why a backend could not do what it was asked.
//! - [`netns`]: labs in Linux namespaces on this machine.
//! - [`origin`]: where a lab was raised, as marks say it and as records do.

pub mod contract;
pub mod docker;
pub mod error;
pub mod fake;
pub mod gns3;
mod impaired;
pub mod netns;
pub mod origin;
mod pending_request;

pub use contract::{
    Backend, BackendKind, ByteStream, Fabric, LabHandle, Ledger, Owned, Provenance, Resource,
};
pub use error::{BackendError, BackendErrorKind};
pub use origin::Origin;
