//! The tables of a scenario and its faults.

use protocol::name::{FileName, NodeName};
use protocol::unit::Time;
use schemars::{JsonSchema, Schema};
use serde::Deserialize;

use super::conversation::FileServerEntry;
use super::step::StepEntry;
use super::stress::StressEntry;
use super::table::table;
use super::transfer::{BroadcastEntry, SplitEntry};
use super::word::{ExpectWord, Filled, Scalar};
use super::{At, Many, Named, Written};
use crate::topology::model::{CaptureMode, LinkEnd};

/// An activity in the lab, with its expected result.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(rename = "Scenario", tag = "kind")]
pub(in crate::topology) enum ScenarioEntry {
    /// Files from one node to many by UDP broadcast.
    #[serde(rename = "broadcast")]
    Broadcast(Box<BroadcastEntry>),
    /// Programs run on nodes, with expectations.
    #[serde(rename = "steps")]
    Steps(Box<StepsEntry>),
    /// Files from one node to as many others, one to each, by UDP unicast.
    #[serde(rename = "split")]
    Split(Box<SplitEntry>),
    /// A scripted conversation with a file server.
    #[serde(rename = "file-server")]
    FileServer(Box<FileServerEntry>),
    /// Many clients at a file server.
    #[serde(rename = "stress")]
    Stress(Box<StressEntry>),
    /// None of these, which has been noted.
    #[default]
    #[serde(rename = "?kind")]
    #[schemars(skip)]
    Wrong,
}

/// The table of a kind of scenario, or, without one, the keys that all have.
macro_rules! scenario_table {
    ($($table:tt)*) => { table! {
        $($table)*
        [ScenarioKeys common {
            /// Its name in reports.
            name: Written<FileName>,
            /// Parameters, each a list of values: the scenario runs once for each combination.
            matrix: Named<Many<Written<Scalar>>>,
            /// The part of each frame that is captured: "full" (default, but for stress), "headers" (stress's
            /// default), "off".
            capture: Written<CaptureMode>,
            /// The time limit of one cell; default "60s".
            timeout: Written<Time>,
            /// The expected outcome: "pass" (default), or "fail" with a reason.
            expect: Written<ExpectWord>,
            /// Why it must fail, where it must.
            reason: Written<Filled>,
            /// Faults while it runs, again for each cell.
            fault: Many<At<FaultEntry>>,
        }]
    } };
}

scenario_table! {}

pub(super) use scenario_table;

scenario_table! {
    /// Programs run on nodes, with expectations.
    #[schemars(rename = "Steps", extend("required" = ["name", "step"]))]
    StepsEntry {
        /// The steps, one after the other.
        step: Many<At<StepEntry>>,
    }
}

/// Something that happens on the scenario's clock.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Fault", transform = one_fault)]
pub(in crate::topology) struct FaultEntry {
    /// When, from the start of the cell: "2s".
    pub(in crate::topology) at: Written<Time>,
    /// For how long; default: to the end of the cell.
    #[serde(rename = "for")]
    pub(in crate::topology) lasts: Written<Time>,
    /// Groups of nodes that hear only their own.
    pub(in crate::topology) partition: At<Many<Many<Written<NodeName>>>>,
    /// An interface that is down: "alpine-1:eth0".
    pub(in crate::topology) down: Written<LinkEnd>,
    /// A node whose processes are killed, and started again when it is over.
    pub(in crate::topology) kill: Written<NodeName>,
    /// A node whose processes are stopped, and go on when it is over.
    pub(in crate::topology) pause: Written<NodeName>,
}

fn one_fault(schema: &mut Schema) {
    let one = ["partition", "down", "kill", "pause"];
    let one = one.map(|key| serde_json::json!({ "required": [key] }));
    schema.insert("required".to_owned(), serde_json::json!(["at"]));
    schema.insert("oneOf".to_owned(), serde_json::json!(one));
}

impl ScenarioEntry {
    /// Returns the keys that every scenario has; `None` where the kind is not known.
    pub(in crate::topology) fn common(&self) -> Option<ScenarioKeys<'_>> {
        match self {
            Self::Broadcast(entry) => Some(entry.common()),
            Self::Steps(entry) => Some(entry.common()),
            Self::Split(entry) => Some(entry.common()),
            Self::FileServer(entry) => Some(entry.common()),
            Self::Stress(entry) => Some(entry.common()),
            Self::Wrong => None,
        }
    }
}

/// The name of the variant that stands for none of an enum's kinds, where the word at `kind` picks.
pub(super) const BY_KIND: &str = "?kind";
