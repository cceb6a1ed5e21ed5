//! Other tools' labs as topologies of ours. Pure: what must be read or written is the caller's.
//!
//! - [`project`]: a GNS3 project as a topology file, whole: the entry.
//! - [`lab`]: what a project holds that a topology can hold.
//! - [`reading`]: from a project's nodes and links to that.
//! - [`machine`]: from one of its nodes.
//! - [`segment`]: which ports hear each other, across switches, hubs and VLANs.
//! - [`filter`]: what its links do to packets.
//! - [`name`]: names as ours must be.
//! - [`file`]: a lab as a topology file.
//! - [`error`]: why a project is refused, and what is left out of one that is not.

pub mod error;
pub mod file;
pub mod filter;
pub mod lab;
pub mod machine;
pub mod name;
pub mod project;
pub mod reading;
pub mod segment;

pub use error::{ImportError, LeftOut};
pub use project::{Imported, import};
