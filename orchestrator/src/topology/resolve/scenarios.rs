//! The keys that every scenario has: name, faults, capture and time.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use protocol::name::NodeName;
use protocol::unit::Time;

use super::context::Context;
use super::nodes::{Draft, Names};
use super::{broadcast, conversation, faults, split, steps, stress};
use crate::topology::document::scenario::{ScenarioEntry, ScenarioKeys};
use crate::topology::document::word::{ExpectWord, Filled};
use crate::topology::document::{At, Document, Many};
use crate::topology::model::{CaptureMode, Expect, Scenario};

/// The lab in which scenarios are run.
#[derive(Clone, Copy)]
pub(super) struct Stage<'a> {
    pub(super) cx: &'a Context<'a>,
    pub(super) names: &'a Names,
    pub(super) drafts: &'a [Draft],
}

impl Stage<'_> {
    /// Returns the unfinished node of that name.
    pub(super) fn draft(&self, name: &NodeName) -> Option<&Draft> {
        self.names
            .place(name)
            .and_then(|place| self.drafts.get(place))
    }
}

/// Notes names that several scenarios have.
pub(super) fn names(cx: &Context<'_>, document: &Document) {
    let mut names = BTreeSet::new();
    let entries = document.scenario.0.iter();
    for common in entries.filter_map(|entry| entry.value.common()) {
        if let Some(name) = cx.get(common.name)
            && !names.insert(name.as_str().to_owned())
        {
            let message = format!("there are two scenarios called {name}");
            let remedy = "give one of them another name";
            cx.mistake(&common.name.span(), message, remedy);
        }
    }
}

/// Reads a scenario without its matrix, which [`super::axes`] reads.
pub(super) fn read(stage: &Stage<'_>, entry: &At<ScenarioEntry>) -> Option<Scenario> {
    let cx = stage.cx;
    let common = entry.value.common()?;
    let name = cx.need(common.name, &entry.span, "name");
    let timeout = cx.get(common.timeout).map_or(TIMEOUT, |Time(time)| time);
    if timeout.is_zero() {
        let remedy = "write a longer one, or leave it out for 60s";
        cx.mistake(
            &common.timeout.span(),
            "nothing can be done in no time",
            remedy,
        );
    }
    let faults = common
        .fault
        .0
        .iter()
        .filter_map(|fault| faults::read(stage, fault, timeout));
    let faults = faults.collect();
    let work = match &entry.value {
        ScenarioEntry::Broadcast(broadcast) => broadcast::read(stage, broadcast, &entry.span),
        ScenarioEntry::Steps(steps) => Some(steps::read(stage, steps, &entry.span)),
        ScenarioEntry::Split(split) => split::read(stage, split, &entry.span),
        ScenarioEntry::FileServer(keys) => conversation::read(stage, keys, &entry.span),
        ScenarioEntry::Stress(keys) => stress::read(stage, keys, &entry.span),
        ScenarioEntry::Wrong => None,
    };
    Some(Scenario {
        name: name?.as_str().to_owned(),
        work: work?,
        matrix: Vec::new(),
        faults,
        capture: cx
            .get(common.capture)
            .unwrap_or_else(|| capture(&entry.value)),
        capture_limit: match &entry.value {
            ScenarioEntry::Stress(keys) => cx.get(&keys.capture_limit),
            _ => None,
        },
        timeout,
        expect: expect(cx, common, &entry.span),
    })
}

/// Returns the capture mode, where the file does not say.
fn capture(entry: &ScenarioEntry) -> CaptureMode {
    match entry {
        // Gigabytes of what is verified by hash anyway.
        ScenarioEntry::Stress(_) => CaptureMode::Headers,
        _ => CaptureMode::default(),
    }
}

/// Reads the expected outcome; a scenario that must fail gives a reason.
fn expect(cx: &Context<'_>, common: ScenarioKeys<'_>, span: &Range<usize>) -> Expect {
    let expect = cx.get(common.expect);
    let reason = cx.get(common.reason);
    if common.expect.is_absent() && !common.reason.is_absent() {
        let remedy = "add expect = \"fail\", or leave the reason out";
        cx.mistake(&common.reason.span(), "a reason for nothing", remedy);
    }
    if expect == Some(ExpectWord::Fail) && common.reason.is_absent() {
        cx.missing(span, "reason");
    }
    match (expect, reason) {
        (Some(ExpectWord::Fail), Some(Filled(reason))) => Expect::Fail { reason },
        _ => Expect::Pass,
    }
}

/// Notes a list that has nothing in it.
pub(super) fn filled<T>(
    cx: &Context<'_>,
    list: &At<Many<T>>,
    scenario: &Range<usize>,
    key: &str,
) -> bool {
    if list.span.is_empty() {
        cx.missing(scenario, key);
    } else if list.value.0.is_empty() {
        cx.mistake(
            &list.span,
            format!("`{key}` is empty"),
            "write at least one",
        );
    }
    !list.value.0.is_empty()
}

/// The time limit of a cell, where the file does not say.
const TIMEOUT: Duration = Duration::from_mins(1);
