//! Labs in the forms of other tools. Pure: what must be read or written is the caller's.
//!
//! - [`gns3`]: projects and appliances of GNS3.
//! - [`warning`]: what another form cannot hold, and what happens instead.

pub mod gns3;
pub mod warning;

pub use warning::Warning;
