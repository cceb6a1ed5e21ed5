//! GNS3's projects as topologies of ours.
//!
//! - [`project`]: the entry: turns a whole project into a topology file.
//! - [`reading`]: turns a project's nodes and links into a lab.
//! - [`machine`]: reads one of its nodes.
//! - [`segment`]: finds the ports that hear each other, across switches, hubs and VLANs.
//! - [`filter`]: reads the filters of its links.
//! - [`name`]: turns its names into valid ones.
//! - [`error`]: the reasons for refusing a project.

pub mod error;
pub mod filter;
pub mod machine;
pub mod name;
pub mod project;
pub mod reading;
pub mod segment;

pub use error::ImportError;
pub use project::import;
