//! The axes of a scenario's matrix. [`super::check`] tries their values.

use std::collections::HashSet;
use std::ops::Range;

use super::context::Context;
use crate::topology::document::scenario::ScenarioEntry;
use crate::topology::document::word::Word;
use crate::topology::document::{At, Document};
use crate::topology::model::Model;
use crate::topology::suggestion::instead_of;

/// An axis of a matrix.
#[derive(Debug, Clone)]
pub(in crate::topology) struct Axis {
    pub(in crate::topology) name: String,
    /// Whether its name is that of a variable.
    pub(in crate::topology) is_variable: bool,
    /// The values, each with its place in the file.
    pub(in crate::topology) values: Vec<(String, Range<usize>)>,
}

/// Reads the axes of all scenarios, in the document's order.
pub(super) fn read(cx: &Context<'_>, document: &Document) -> Vec<Vec<Axis>> {
    let entries = document.scenario.0.iter();
    entries.map(|entry| of_one(cx, &entry.value)).collect()
}

/// Returns the axes in the form that a scenario has.
pub(super) fn written(axes: &[Axis]) -> Vec<(String, Vec<String>)> {
    let texts = |axis: &Axis| axis.values.iter().map(|(text, _)| text.clone()).collect();
    let axes = axes.iter().map(|axis| (axis.name.clone(), texts(axis)));
    axes.collect()
}

fn of_one(cx: &Context<'_>, entry: &ScenarioEntry) -> Vec<Axis> {
    let Some(common) = entry.common() else {
        return Vec::new();
    };
    let axes = common.matrix.0.iter();
    let axes: Vec<Axis> = axes
        .map(|(key, written)| {
            let is_model = has_model(entry) && key.value == MODEL;
            axis_name(cx, entry, key);
            let words = written.0.iter();
            let values = words.filter_map(|word| Some((cx.text(word)?, word.span())));
            let axis = Axis {
                name: key.value.clone(),
                is_variable: !is_model && cx.has_variable(&key.value),
                values: values.collect(),
            };
            check(cx, key, (&axis, is_model));
            axis
        })
        .collect();
    let lengths = axes.iter().map(|axis| axis.values.len().max(1));
    let cells = lengths.fold(1, usize::saturating_mul);
    if cells > MOST_CELLS
        && let Some((key, _)) = common.matrix.0.last()
    {
        let message = format!("the matrix has {cells} cells");
        let remedy = format!("write fewer values: at most {MOST_CELLS} combinations");
        cx.mistake(&key.span, message, remedy);
    }
    axes
}

/// Notes the mistakes in an axis by itself.
fn check(cx: &Context<'_>, key: &At<String>, (axis, is_model): (&Axis, bool)) {
    let mut seen = HashSet::new();
    for (value, span) in &axis.values {
        if is_model && let Err(remedy) = Model::parse(value) {
            cx.mistake(span, format!("`{value}` is not a model"), remedy);
        }
        if value.contains("${") {
            let message = format!("`{value}` cannot refer to a variable");
            cx.mistake(span, message, "write the value itself");
        }
        if !seen.insert(value) {
            let message = format!("`{value}` twice on one axis");
            cx.mistake(span, message, "write it once");
        }
    }
    let count = axis.values.len();
    if count == 0 {
        let message = format!("the axis {} has no value", key.value);
        let remedy = "write at least one, or leave the axis out";
        cx.mistake(&key.span, message, remedy);
    }
    if count > MOST_VALUES {
        let message = format!("the axis {} has {count} values", key.value);
        let remedy = format!("write fewer values: at most {MOST_VALUES}");
        cx.mistake(&key.span, message, remedy);
    }
}

/// Whether an axis may be called `model` without being a variable.
fn has_model(entry: &ScenarioEntry) -> bool {
    matches!(entry, ScenarioEntry::Broadcast(_) | ScenarioEntry::Split(_))
}

fn axis_name(cx: &Context<'_>, entry: &ScenarioEntry, key: &At<String>) {
    let has_model = has_model(entry);
    let name = key.value.as_str();
    if cx.has_variable(name) || (has_model && name == MODEL) {
        return;
    }
    let mut known = cx.variable_names();
    if has_model {
        known.push(MODEL);
    }
    let remedy = if known.is_empty() {
        format!("define it: [vars] {name} = \"…\"")
    } else {
        instead_of(name, &known)
    };
    cx.mistake(&key.span, format!("{name} is not a variable"), remedy);
}

/// The axis that names the concurrency model of scenarios that send files.
pub(in crate::topology) const MODEL: &str = "model";

/// The most values of an axis.
pub(super) const MOST_VALUES: usize = 1000;

/// The most cells of a scenario.
pub(super) const MOST_CELLS: usize = 10_000;
