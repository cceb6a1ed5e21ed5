//! Labs in the forms of other tools. Pure: the caller reads and writes the files.
//!
//! - [`gns3`]: projects and appliances of GNS3.
//! - [`warning`]: things that another form cannot hold, each with its replacement.

pub mod gns3;
pub mod warning;

pub use warning::Warning;
