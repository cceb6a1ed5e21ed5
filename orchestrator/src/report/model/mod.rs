//! What a run found, as data. Every report is rendered from it; later versions only add fields.
//!
//! - `run`: a run, its scenarios and their cells.
//! - `load`: what clients came to that put a file server under load.

mod load;
mod run;

pub use load::{LoadReport, LoadRow, LoadSummary, PublishedLoad};
pub use run::{
    CaptureReport, CellReport, FileOutcome, FileReport, Finding, HostReport, NodeReport, Outcome,
    Picture, ProofReport, ReplyReport, RunReport, SCHEMA, ScenarioReport, StepReport, TaskReport,
    Timings, WorkReport,
};
