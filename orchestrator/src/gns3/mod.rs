//! GNS3's own forms, as data: what its servers 2.2 and 3.x read and write. Nothing of a lab is known here.
//!
//! - [`document`]: a project, as in a `.gns3` file. - [`device`]: what its nodes are.
//! - [`archive`]: a portable project, the zip that a `.gns3project` is.
//! - [`container`]: what a node of ours is there. - [`adapter`]: its interfaces.
//! - [`appliance`]: a `.gns3a` file of the registry.
//! - [`interfaces`]: a Docker node's `etc/network/interfaces`.
//! - [`switch`]: what networks are.
//! - [`filter`]: what a link does to packets.
//! - [`picture`]: the SVG of drawings.
//! - [`identity`]: the UUIDs of what is written here.

pub mod adapter;
pub mod appliance;
pub mod archive;
pub mod container;
pub mod device;
pub mod document;
pub mod filter;
pub mod identity;
pub mod interfaces;
pub mod picture;
pub mod switch;
