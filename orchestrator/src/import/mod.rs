//! Other tools' labs as topologies of ours. Pure: the caller reads and writes the files.
//!
//! - [`gns3`]: projects of GNS3.
//! - [`lab`]: the part of another tool's lab that a topology can hold.
//! - [`file`]: such a lab as a topology file.
//! - [`imported`]: the result of an import.

pub mod file;
pub mod gns3;
pub mod imported;
pub mod lab;

pub use imported::{Imported, LeftOut};
