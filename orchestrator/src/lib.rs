//! The orchestrator: raises a network lab from one file, runs its scenarios and proves every byte.
//!
//! A module imports only from rows below its own:
//!
//! ```text
//! cli
//! import
//! export
//! scenario
//! lab        verify   evidence
//! report     (what a run found, as data, and its renderings)
//! backend    (netns, docker, gns3, fake)
//! control    (speaks with a node's agent)
//! plan
//! topology   (the domain: no I/O, no async)
//! number     gns3   (numbers as people read them; GNS3's own forms)
//! ```

pub mod backend;
pub mod cli;
pub mod control;
pub mod evidence;
pub mod export;
pub mod gns3;
pub mod import;
pub mod lab;
pub mod number;
pub mod plan;
pub mod report;
pub mod scenario;
pub mod topology;
pub mod verify;
