//! A raised lab and everything that makes sure it goes away again.
//!
//! - [`raised`]: the lab that is up: raise, destroy, keep, attach.
//! - [`ledger`]: the write-ahead list of what must be removed.
//! - [`state`]: where labs that are up are recorded, and the lock on each.
//! - [`record`]: what a lab that stays up is found by.
//! - [`reaper`]: takes away what a lab left when it was dropped.
//! - [`removal`]: removes resources, going on past failures.
//! - [`error`]: why a lab could not be raised or removed.

pub mod error;
pub mod ledger;
pub mod raised;
pub mod reaper;
pub mod record;
pub mod removal;
pub mod state;

pub use error::{LabError, Leftovers};
pub use ledger::FileLedger;
pub use raised::{Lab, RaiseTimings};
pub use reaper::Reaper;
pub use record::LabRecord;
pub use state::{LabFolder, LabLock, StateDir};
