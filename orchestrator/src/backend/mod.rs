//! Where labs can run.
//!
//! - [`contract`]: the traits [`Backend`] and [`Fabric`], and the resources that they make.
//! - [`docker`]: labs on a Docker engine.
//! - [`fake`]: a backend in memory, for tests.
//! - [`error`]: why a backend could not do what it was asked.
//! - [`gns3`]: labs on a GNS3 server.
//! - [`netns`]: labs in Linux namespaces on this machine.

pub mod contract;
pub mod docker;
pub mod error;
pub mod fake;
pub mod gns3;
pub mod netns;

pub use contract::{Backend, BackendKind, Fabric, Hold, Ledger, Owned, Resource, Wire};
pub use error::{BackendError, BackendErrorKind};
