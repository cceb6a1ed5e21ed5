//! Labs in the forms of other tools. Pure: what must be read or written is the caller's.
//!
//! - [`project`]: a topology as a GNS3 project, with the files that belong to it.
//! - [`appliance`]: a node of ours as a GNS3 appliance.
//! - [`container`]: a node as GNS3's Docker node. - [`adapter`]: its interfaces there.
//! - [`switch`]: networks as switches.
//! - [`condition`]: impairments as link filters.
//! - [`belongings`]: the files of a node: its addresses, and what it needs for the scenarios.
//! - [`position`]: where everything is in the window. - [`note`]: what is written there.
//! - [`playbook`]: how scenarios are started by hand.
//! - [`warning`]: what GNS3 cannot hold, and what happens instead.

pub mod adapter;
pub mod appliance;
pub mod belongings;
pub mod condition;
pub mod container;
pub mod note;
pub mod playbook;
pub mod position;
pub mod project;
pub mod switch;
pub mod warning;

pub use project::{ExportError, Exported, project};
pub use switch::SwitchKind;
pub use warning::Warning;
