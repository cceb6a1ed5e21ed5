//! A raised lab, and all that makes sure that it is removed again.
//!
//! - [`raised`]: the lab that is up: raise, destroy, keep, attach.
//! - [`ledger`]: the write-ahead list of what must be removed.
//! - [`state`]: where labs are recorded while they are up.
//! - [`folder`]: the folder of one lab.
//! - [`lock`]: one process at a time acts on a lab, or raises a lab of some name.
//! - `search`: the search for everything that carries a lab's mark.
//! - [`sweep`]: removes leftovers of labs whose processes were killed.
//! - [`record`]: the record by which a lab that stays up is found.
//! - [`reaper`]: takes away labs that were dropped.
//! - [`removal`]: removes resources, and continues past failures.
//! - [`error`]: errors of raising and removing labs.

pub mod error;
pub mod folder;
pub mod ledger;
pub mod lock;
pub mod raised;
pub mod reaper;
pub mod record;
pub mod removal;
mod search;
pub mod state;
pub mod sweep;

#[cfg(test)]
mod sweep_test;

pub use error::{LabError, Leftovers};
pub use folder::{LabFolder, NewLab, Standing};
pub use ledger::FileLedger;
pub use lock::{LabLock, NameLock};
pub use raised::{Lab, RaiseTimings};
pub use reaper::Reaper;
pub use record::LabRecord;
pub use state::StateDir;
pub use sweep::{Observer, Sweep};
