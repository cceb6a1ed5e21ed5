//! Files sent from a node to others, each copy compared byte for byte.
//!
//! - [`cell`]: one cell, from the download to the comparison.
//! - [`paths`]: from which interface to which address files go.
//! - [`payload`]: the files, put into the sender or downloaded by it.
//! - [`originals`]: those of them that are on this machine, which must stay as they are.
//! - [`web_server`]: who serves what it downloads inside the lab.
//! - [`sender`], [`receivers`]: the roles at both ends.
//! - [`comparison`]: what arrived, and why what is not there is not.

pub mod cell;
pub mod comparison;
pub mod originals;
pub mod paths;
pub mod payload;
pub mod receivers;
pub mod sender;
pub mod web_server;
