//! Where labs can run.
//!
//! - [`capability`]: the capabilities of a backend's links.
//! - [`contract`]: the traits [`Backend`] and [`Fabric`], and the resources that they make.
//! - `pending_request`: requests that end even if nobody waits.
//! - [`docker`]: labs on a Docker engine.
//! - [`fake`]: a backend in memory, for tests.
//! - [`gns3`]: labs on a GNS3 server.
//! - [`error`]: the errors of backends.
//! - [`netns`]: labs in Linux namespaces on this machine.
//! - [`origin`]: the origin of a lab, in marks and in records.

pub mod capability;
pub mod contract;
pub mod docker;
pub mod error;
pub mod fake;
pub mod gns3;
pub mod netns;
pub mod origin;
mod pending_request;

pub use capability::Capabilities;
pub use contract::{
    Backend, BackendKind, ByteStream, Fabric, HostName, LabHandle, Ledger, NodeBinary, Owned,
    Provenance, Resource, WAITING,
};
pub use error::{BackendError, BackendErrorKind};
pub use origin::Origin;
