//! GNS3's projects as topologies of ours.
//!
//! - [`project`]: a project as a topology file, whole: the entry.
//! - [`reading`]: from a project's nodes and links to a lab.
//! - [`machine`]: from one of its nodes.
//! - [`segment`]: which ports hear each other, across switches, hubs and VLANs.
//! - [`filter`]: what its links do to packets.
//! - [`name`]: names as ours must be.
//! - [`error`]: why a project is refused.

pub mod error;
pub mod filter;
pub mod machine;
pub mod name;
pub mod project;
pub mod reading;
pub mod segment;

pub use error::ImportError;
pub use project::import;
