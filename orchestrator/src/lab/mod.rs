//! A raised lab and everything that makes sure it goes away again.
//!
//! - [`raised`]: the lab that is up: raise, destroy, keep, attach.
//! - [`ledger`]: the write-ahead list of what must be removed.
//! - [`state`]: where labs are recorded while they are up.
//! - [`folder`]: the folder of one lab.
//! - [`lock`]: who may act on a lab, or raise one of a name.
//! - [`sweep`]: removes what labs have left whose processes were killed.
//! - [`record`]: what a lab that stays up is found by.
//! - [`reaper`]: takes away what a lab left when it was dropped.
//! - [`removal`]: removes resources, going on past failures.
//! - [`error`]: why a lab could not be raised or removed.

pub mod error;
pub mod folder;
pub mod ledger;
pub mod lock;
pub mod raised;
pub mod reaper;
pub mod record;
pub mod removal;
pub mod state;
pub mod sweep;

pub use error::{LabError, Leftovers};
pub use folder::{LabFolder, NewLab, Standing};
pub use ledger::FileLedger;
pub use lock::{LabLock, NameLock};
pub use raised::{Lab, RaiseTimings};
pub use reaper::Reaper;
pub use record::LabRecord;
pub use state::StateDir;
pub use sweep::{Observer, Sweep};
