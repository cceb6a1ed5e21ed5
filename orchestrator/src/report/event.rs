//! The events of a run, as they happen: the lines of `events.ndjson`, and the source of the progress display.

use serde::{Deserialize, Serialize};

use super::model::{CaptureReport, FileReport, Outcome, StepReport};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum RunEvent {
    /// A lab is about to be raised.
    Raising {
        /// Its name.
        lab: String,
        /// Where.
        backend: String,
        /// The number of nodes.
        nodes: usize,
        /// The number of networks and wires.
        segments: usize,
    },
    /// Every node is configured and has answered.
    Raised {
        /// Seconds it took.
        seconds: f64,
    },
    /// A scenario begins.
    ScenarioBegun {
        /// Its name.
        scenario: String,
        /// Its purpose, in a line.
        headline: String,
        /// The number of its cells.
        cells: usize,
    },
    /// A cell begins.
    CellBegun {
        /// The scenario.
        scenario: String,
        /// The combination in words.
        cell: String,
        /// The number of cells done.
        #[serde(default)]
        done: usize,
        /// The number of all cells.
        #[serde(default)]
        cells: usize,
        /// Seconds that this one and those after it will take, as those before it did.
        #[serde(default)]
        left_s: Option<f64>,
    },
    /// Bytes moved in the current cell.
    Progress {
        /// The node that moves them.
        node: String,
        /// Bytes moved.
        bytes: u64,
        /// Bytes in all.
        total: u64,
    },
    /// A step ended.
    StepEnded {
        /// The scenario.
        scenario: String,
        /// Its result.
        step: StepReport,
    },
    /// A file was compared.
    FileVerified(FileReport),
    /// A cell ended.
    CellEnded {
        /// The scenario.
        scenario: String,
        /// The combination in words.
        cell: String,
        /// Its outcome.
        outcome: Outcome,
        /// Seconds it took.
        seconds: f64,
    },
    /// A capture ended.
    CaptureEnded(CaptureReport),
    /// A scenario ended.
    ScenarioEnded {
        /// Its name.
        scenario: String,
        /// Its outcome.
        outcome: Outcome,
    },
    /// Something that a reader must know.
    Warning {
        /// The text.
        text: String,
    },
    /// The lab is gone, or was left up.
    Finished {
        /// The outcome of the run.
        outcome: Outcome,
        /// Seconds in all.
        seconds: f64,
    },
}
