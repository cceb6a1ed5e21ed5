//! Labs in the forms of GNS3.
//!
//! - [`project`]: a topology as a project, with the files that belong to it.
//! - [`appliance`]: a node of ours as an appliance.
//! - [`container`]: a node as GNS3's Docker node.
//! - [`node_files`]: the files of a node: its addresses, and the files that it needs for the scenarios.
//! - [`note`]: the text in the project's window.
//! - [`playbook`]: instructions for starting scenarios by hand.

pub mod appliance;
pub mod container;
pub mod node_files;
pub mod note;
pub mod playbook;
pub mod project;

pub use project::{ExportError, Exported, project};
