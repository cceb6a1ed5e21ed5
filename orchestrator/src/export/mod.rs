//! Labs in the forms of other tools. Pure: what must be read or written is the caller's.
//!
//! - [`project`]: a topology as a GNS3 project, with the files that belong to it.
//! - [`appliance`]: a node of ours as a GNS3 appliance.
//! - [`container`]: a node as GNS3's Docker node.
//! - [`node_files`]: the files of a node: its addresses, and what it needs for the scenarios.
//! - [`note`]: what is written in the window.
//! - [`playbook`]: how scenarios are started by hand.
//! - [`warning`]: what GNS3 cannot hold, and what happens instead.

pub mod appliance;
pub mod container;
pub mod node_files;
pub mod note;
pub mod playbook;
pub mod project;
pub mod warning;

pub use project::{ExportError, Exported, project};
pub use warning::Warning;
