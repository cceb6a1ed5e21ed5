//! The run directory: where everything that speaks for a verdict is kept.
//!
//! - [`folder`]: the directory itself and the paths in it.
//! - [`component`]: any text as a safe, single path component.
//! - [`events`]: the run's events, one JSON object a line.
//! - [`journal`]: what came of each cell, so that a run can be taken up again.
//! - [`budget`]: how many bytes the captures of a run may take.
//! - [`whole`]: files that appear under their name only when they are complete.
//! - [`error`]: why evidence could not be kept.

pub mod budget;
pub mod component;
pub mod error;
pub mod events;
pub mod folder;
pub mod journal;
pub mod whole;

pub use budget::CaptureBudget;
pub use component::component;
pub use error::EvidenceError;
pub use events::EventLog;
pub use folder::{CellPlace, RunFolder};
pub use journal::{Journal, ResumeError, Subject};
