//! The tables of a scenario and its faults.

use protocol::name::{FileName, NodeName};
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Deserializer};

use super::step::StepEntry;
use super::transfer::{BroadcastEntry, SplitEntry};
use super::word::{ExpectWord, Filled, Scalar};
use super::{At, Many, Named, Written};
use crate::topology::model::{CaptureMode, LinkEnd};
use crate::topology::unit::Time;

/// What is done in the lab and what is expected of it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(rename = "Scenario", tag = "kind")]
pub(in crate::topology) enum ScenarioEntry {
    /// Files from one node to many by UDP broadcast.
    #[serde(rename = "broadcast")]
    Broadcast(Box<BroadcastEntry>),
    /// Programs run on nodes, with expectations.
    #[serde(rename = "steps")]
    Steps(StepsEntry),
    /// Files from one node to as many others, one to each, by UDP unicast.
    #[serde(rename = "split")]
    Split(Box<SplitEntry>),
    /// Commands to a file server.
    #[serde(rename = "file-server")]
    FileServer(LaterEntry),
    /// Many clients at a file server.
    #[serde(rename = "stress")]
    Stress(LaterEntry),
    /// None of these, which has been noted.
    #[default]
    #[serde(rename = "?kind")]
    #[schemars(skip)]
    Wrong,
}

/// Programs run on nodes, with expectations.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Steps", extend("required" = ["name", "step"]))]
pub(in crate::topology) struct StepsEntry {
    /// What it is called in reports.
    pub(in crate::topology) name: Written<FileName>,
    /// The steps, one after the other.
    pub(in crate::topology) step: Many<At<StepEntry>>,
    /// Parameters, each a list of values: the scenario runs once for each combination.
    pub(in crate::topology) matrix: Named<Many<Written<Scalar>>>,
    /// How much of each frame is captured: "full" (default), "headers", "off".
    pub(in crate::topology) capture: Written<CaptureMode>,
    /// How long one cell may take; default "60s".
    pub(in crate::topology) timeout: Written<Time>,
    /// What is to come of it: "pass" (default), or "fail" with a reason.
    pub(in crate::topology) expect: Written<ExpectWord>,
    /// Why it must fail, where it must.
    pub(in crate::topology) reason: Written<Filled>,
    /// What happens while it runs, again for each cell.
    pub(in crate::topology) fault: Many<At<FaultEntry>>,
}

/// A kind that a later version carries out. Its own keys are not looked at yet.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "Later", extend("required" = ["name"]))]
pub(in crate::topology) struct LaterEntry {
    /// What it is called in reports.
    pub(in crate::topology) name: Written<FileName>,
    /// Parameters, each a list of values: the scenario runs once for each combination.
    pub(in crate::topology) matrix: Named<Many<Written<Scalar>>>,
    /// How much of each frame is captured: "full" (default), "headers", "off".
    pub(in crate::topology) capture: Written<CaptureMode>,
    /// How long one cell may take; default "60s".
    pub(in crate::topology) timeout: Written<Time>,
    /// What is to come of it: "pass" (default), or "fail" with a reason.
    pub(in crate::topology) expect: Written<ExpectWord>,
    /// Why it must fail, where it must.
    pub(in crate::topology) reason: Written<Filled>,
    /// What happens while it runs, again for each cell.
    pub(in crate::topology) fault: Many<At<FaultEntry>>,
    #[serde(rename = "*")]
    #[schemars(skip)]
    _others: Unread,
}

/// What is not looked at.
#[derive(Debug, Default)]
struct Unread;

impl<'de> Deserialize<'de> for Unread {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Ok(Self)
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

/// What every scenario has.
#[derive(Debug, Clone, Copy)]
pub(in crate::topology) struct Common<'a> {
    pub(in crate::topology) name: &'a Written<FileName>,
    pub(in crate::topology) matrix: &'a Named<Many<Written<Scalar>>>,
    pub(in crate::topology) capture: &'a Written<CaptureMode>,
    pub(in crate::topology) timeout: &'a Written<Time>,
    pub(in crate::topology) expect: &'a Written<ExpectWord>,
    pub(in crate::topology) reason: &'a Written<Filled>,
    pub(in crate::topology) fault: &'a [At<FaultEntry>],
}

macro_rules! common {
    ($entry:expr) => {
        Some(Common {
            name: &$entry.name,
            matrix: &$entry.matrix,
            capture: &$entry.capture,
            timeout: &$entry.timeout,
            expect: &$entry.expect,
            reason: &$entry.reason,
            fault: &$entry.fault.0,
        })
    };
}

impl ScenarioEntry {
    /// What every scenario has; `None` where the kind is not known.
    pub(in crate::topology) fn common(&self) -> Option<Common<'_>> {
        match self {
            Self::Broadcast(entry) => common!(entry),
            Self::Steps(entry) => common!(entry),
            Self::Split(entry) => common!(entry),
            Self::FileServer(entry) | Self::Stress(entry) => common!(entry),
            Self::Wrong => None,
        }
    }
}

/// The name of the variant that stands for none of an enum's kinds, where the word at `kind` picks.
pub(super) const BY_KIND: &str = "?kind";
