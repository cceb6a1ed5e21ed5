//! The keys that every scenario has: name, matrix, faults, capture and time.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;
use std::time::Duration;

use protocol::name::NodeName;

use super::context::Context;
use super::nodes::{Draft, Names};
use super::{broadcast, conversation, faults, split, steps, stress};
use crate::topology::document::scenario::{ScenarioEntry, ScenarioKeys};
use crate::topology::document::word::{ExpectWord, Filled, Scalar, Word};
use crate::topology::document::{At, Document, Many, Named, Written};
use crate::topology::model::{CaptureMode, Expect, Model, Scenario};
use crate::topology::suggestion::instead_of;
use crate::topology::unit::Time;

/// The lab that scenarios are played in.
#[derive(Clone, Copy)]
pub(super) struct Stage<'a> {
    pub(super) cx: &'a Context<'a>,
    pub(super) names: &'a Names,
    pub(super) drafts: &'a [Draft],
}

impl Stage<'_> {
    /// The node of that name in the making.
    pub(super) fn draft(&self, name: &NodeName) -> Option<&Draft> {
        self.names
            .place(name)
            .and_then(|place| self.drafts.get(place))
    }
}

/// Reads all scenarios.
pub(super) fn read(stage: &Stage<'_>, document: &Document) -> Vec<Scenario> {
    let mut names = BTreeSet::new();
    let entries = document.scenario.0.iter();
    entries
        .filter_map(|entry| scenario(stage, entry, &mut names))
        .collect()
}

fn scenario(
    stage: &Stage<'_>,
    entry: &At<ScenarioEntry>,
    names: &mut BTreeSet<String>,
) -> Option<Scenario> {
    let cx = stage.cx;
    let common = entry.value.common()?;
    let name = cx.need(common.name, &entry.span, "name");
    if let Some(name) = &name
        && !names.insert(name.as_str().to_owned())
    {
        let message = format!("there are two scenarios called {name}");
        cx.mistake(
            &common.name.span(),
            message,
            "give one of them another name",
        );
    }
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
    let matrix = matrix(cx, &entry.value, common);
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
        matrix,
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

/// The axes. Their values are tried by [`super::matrix`].
fn matrix(
    cx: &Context<'_>,
    entry: &ScenarioEntry,
    common: ScenarioKeys<'_>,
) -> Vec<(String, Vec<String>)> {
    let named: &Named<Many<Written<Scalar>>> = common.matrix;
    let mut axes = Vec::new();
    for (key, written) in &named.0 {
        axis_name(cx, entry, key);
        let mut values: Vec<String> = Vec::new();
        let mut seen = HashSet::new();
        for word in &written.0 {
            let Some(value) = cx.text(word) else { continue };
            if has_model(entry)
                && key.value == "model"
                && let Err(remedy) = Model::parse(&value)
            {
                cx.mistake(&word.span(), format!("`{value}` is not a model"), remedy);
            }
            if !seen.insert(value.clone()) {
                let message = format!("`{value}` twice on one axis");
                cx.mistake(&word.span(), message, "write it once");
            }
            values.push(value);
        }
        if values.is_empty() {
            let message = format!("the axis {} has no value", key.value);
            cx.mistake(
                &key.span,
                message,
                "write at least one, or leave the axis out",
            );
        }
        if values.len() > MOST_VALUES {
            let message = format!("the axis {} has {} values", key.value, values.len());
            let remedy = format!("write fewer values: at most {MOST_VALUES}");
            cx.mistake(&key.span, message, remedy);
        }
        axes.push((key.value.clone(), values));
    }
    let cells = cells(named);
    if cells > MOST_CELLS
        && let Some((key, _)) = named.0.last()
    {
        let message = format!("the matrix has {cells} cells");
        let remedy = format!("write fewer values: at most {MOST_CELLS} combinations");
        cx.mistake(&key.span, message, remedy);
    }
    axes
}

/// Whether the matrix is small enough to be tried, value by value.
pub(super) fn can_be_tried(matrix: &Named<Many<Written<Scalar>>>) -> bool {
    let longest = matrix.0.iter().map(|(_, values)| values.0.len()).max();
    longest.unwrap_or(0) <= MOST_VALUES && cells(matrix) <= MOST_CELLS
}

/// Returns the number of combinations.
fn cells(matrix: &Named<Many<Written<Scalar>>>) -> usize {
    let lengths = matrix.0.iter().map(|(_, values)| values.0.len().max(1));
    lengths.fold(1, usize::saturating_mul)
}

/// Whether an axis may be called `model` without being a variable.
fn has_model(entry: &ScenarioEntry) -> bool {
    matches!(entry, ScenarioEntry::Broadcast(_) | ScenarioEntry::Split(_))
}

fn axis_name(cx: &Context<'_>, entry: &ScenarioEntry, key: &At<String>) {
    let has_model = has_model(entry);
    let name = key.value.as_str();
    if cx.has_variable(name) || (has_model && name == "model") {
        return;
    }
    let mut known = cx.variable_names();
    if has_model {
        known.push("model");
    }
    let remedy = if known.is_empty() {
        format!("define it: [vars] {name} = \"…\"")
    } else {
        instead_of(name, &known)
    };
    cx.mistake(&key.span, format!("{name} is not a variable"), remedy);
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

/// The most values of an axis. Each is tried before anything is raised.
const MOST_VALUES: usize = 1000;

/// The most cells of a scenario.
const MOST_CELLS: usize = 10_000;
