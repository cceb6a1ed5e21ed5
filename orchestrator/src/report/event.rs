//! What happens during a run, as it happens: the lines of `events.ndjson`, and what progress is shown
//! from.

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
        /// How many nodes.
        nodes: usize,
        /// How many networks and wires.
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
        /// What it is to do, in a line.
        headline: String,
        /// How many cells it has.
        cells: usize,
    },
    /// A cell begins.
    CellBegun {
        /// The scenario.
        scenario: String,
        /// The combination in words.
        cell: String,
        /// How many cells are done.
        #[serde(default)]
        done: usize,
        /// How many there are in all.
        #[serde(default)]
        cells: usize,
        /// Seconds that this one and those after it will take, as those before it did.
        #[serde(default)]
        left_s: Option<f64>,
    },
    /// Bytes moved in the current cell.
    Progress {
        /// Who moves them.
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
        /// What came of it.
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
        /// What came of it.
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
        /// What came of it.
        outcome: Outcome,
    },
    /// Something that a reader must know.
    Warning {
        /// What.
        text: String,
    },
    /// The lab is gone, or was left up.
    Finished {
        /// What came of the run.
        outcome: Outcome,
        /// Seconds in all.
        seconds: f64,
    },
}
