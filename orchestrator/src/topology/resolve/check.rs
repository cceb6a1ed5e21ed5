//! Checks every cell of every matrix: finds the mistakes that its values cause.
//!
//! A part of the file is resolved again only for values that it asks for ([`Outcomes`]). So a hundred values of a
//! variable that is used in one place cost a hundred trials, however many cells there are.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;

use super::axes::{Axis, MOST_CELLS, MOST_VALUES};
use super::outcomes::Outcomes;
use super::parts::{Known, Part, Reading, Resolved};
use super::{blame, conditions, structure};
use crate::topology::diagnostic::Diagnostic;
use crate::topology::matrix::{count, place};

/// The cells in which one place of the file is wrong, each with its mistake there.
pub(super) type Hits = Vec<(usize, Rc<Diagnostic>)>;

/// Finds the mistakes that the cells' values cause and the file's own do not. Mistakes of many cells at one place
/// count as one.
pub(in crate::topology) fn check(
    reading: Reading<'_>,
    resolved: &Resolved,
    text: &str,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (place, axes) in resolved.axes.iter().enumerate() {
        let axes: Vec<&Axis> = axes.iter().filter(|axis| !axis.values.is_empty()).collect();
        let lengths: Vec<usize> = axes.iter().map(|axis| axis.values.len()).collect();
        let too_many = lengths.iter().any(|length| *length > MOST_VALUES);
        if axes.is_empty() || too_many || count(&lengths) > MOST_CELLS {
            continue;
        }
        let matrix = Matrix {
            reading,
            resolved,
            axes,
            lengths,
        };
        let mut hits = BTreeMap::new();
        let mut sound = BTreeSet::new();
        for known in &resolved.parts {
            match known.part {
                Part::Scenario(other) if other != place => {}
                // Many nodes often have tables of the same words.
                Part::Interface(node, interface) => {
                    let words = conditions::words(reading.document, (node, interface));
                    if !sound.contains(&words) && matrix.survey(known, &mut hits) {
                        sound.insert(words);
                    }
                }
                _ => drop(matrix.survey(known, &mut hits)),
            }
        }
        found.extend(hits.into_iter().flat_map(|((start, end), hits)| {
            let written = text.get(start..end).unwrap_or_default();
            blame::name(&matrix.axes, &matrix.lengths, hits, written)
        }));
    }
    found
}

/// A matrix whose cells are checked.
struct Matrix<'a> {
    reading: Reading<'a>,
    resolved: &'a Resolved,
    axes: Vec<&'a Axis>,
    lengths: Vec<usize>,
}

impl Matrix<'_> {
    /// Adds the mistakes that the cells cause in a part to `hits`, by place. Returns whether there are none.
    fn survey(&self, known: &Known, hits: &mut BTreeMap<(usize, usize), Hits>) -> bool {
        let named = |name: &String| self.axis(name).is_some();
        if !known.variables.iter().any(named) {
            return true;
        }
        let mut sound = true;
        let mut outcomes = Outcomes::default();
        for number in 0..count(&self.lengths) {
            let cell = place(&self.lengths, number);
            let broken = outcomes.of(&cell, &self.lengths, || self.attempt(known, &cell));
            for mistake in broken.into_iter().flatten() {
                let Range { start, end } = mistake.span.clone().unwrap_or_default();
                let there: &mut Hits = hits.entry((start, end)).or_default();
                there.push((number, Rc::clone(mistake)));
                sound = false;
            }
        }
        sound
    }

    /// Resolves a part with a cell's values. Returns the mistakes that only they cause, and the axes that the part
    /// asked for.
    fn attempt(&self, known: &Known, cell: &[usize]) -> (Vec<Rc<Diagnostic>>, Vec<usize>) {
        let (resolved, document) = (self.resolved, self.reading.document);
        let values = self.axes.iter().zip(cell);
        let values = values.filter(|(axis, _)| axis.is_variable);
        let values: Vec<(&str, &str)> = values
            .map(|(axis, at)| (axis.name.as_str(), axis.values[*at].0.as_str()))
            .collect();
        let (another, mut mistakes, asked) = self.reading.within(&values, |cx| {
            if known.part == Part::Structure {
                return !structure::read(cx, document).is_like(&resolved.structure);
            }
            self.reading.part(cx, &resolved.structure, known.part);
            false
        });
        mistakes.retain(|mistake| !known.mistakes.contains(mistake));
        if another && mistakes.is_empty() && known.mistakes.is_empty() {
            mistakes.push(Diagnostic {
                span: None,
                message: "the lab has another shape".to_owned(),
                remedy: "a matrix varies scenarios and links' conditions; the lab stays up"
                    .to_owned(),
            });
        }
        let asked = asked.iter().filter_map(|name| self.axis(name));
        (mistakes.into_iter().map(Rc::new).collect(), asked.collect())
    }

    fn axis(&self, variable: &str) -> Option<usize> {
        let named = |axis: &&Axis| axis.is_variable && axis.name == variable;
        self.axes.iter().position(named)
    }
}
