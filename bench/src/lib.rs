//! Races against the peers: ours and theirs alternately in one run, with the results checked.
//!
//! - [`mod@race`]: alternates entrants; [`entrant`]: what one must be able to do.
//! - [`raise`], [`docker`], [`run`], [`broadcast`], [`files`]: the races.
//! - [`ours`], [`driver`]: entrants that more than one race can have.
//! - [`script`]: a script of ours that drives a peer, in namespaces of its own.
//! - [`namespace`]: network namespaces of our own, and when the kernel has finished with all others.
//! - [`peers`]: which peers are installed.
//! - [`sample`], [`table`], [`machine`], [`console`]: results and how they are shown.
//! - [`error`]: why a race could not go on.

pub mod broadcast;
pub mod console;
pub mod docker;
pub mod driver;
pub mod entrant;
pub mod error;
pub mod files;
pub mod machine;
pub mod namespace;
pub mod ours;
pub mod peers;
pub mod race;
pub mod raise;
pub mod run;
pub mod sample;
pub mod script;
pub mod table;
