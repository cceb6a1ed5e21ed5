//! The results of a run, as data. Every report is rendered from it; later versions only add fields.
//!
//! - `run`: a run, its scenarios and their cells.
//! - `stress`: what clients came to that put a file server under load.

mod run;
mod stress;

pub use run::{
    CaptureReport, CellReport, FileOutcome, FileReport, Finding, HostReport, NodeReport, Outcome,
    Picture, ProofReport, ReplyReport, RunReport, SCHEMA, ScenarioReport, StepReport, TaskReport,
    Timings, WorkReport,
};
pub use stress::{PublishedFigures, StressReport, StressRow, StressSummary};
