//! Other tools' labs as topologies of ours. Pure: what must be read or written is the caller's.
//!
//! - [`gns3`]: projects of GNS3.
//! - [`lab`]: what another tool's lab holds that a topology can hold.
//! - [`file`]: such a lab as a topology file.
//! - [`imported`]: what an import makes, and what it leaves out.

pub mod file;
pub mod gns3;
pub mod imported;
pub mod lab;

pub use imported::{Imported, LeftOut};
