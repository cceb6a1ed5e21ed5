//! Names the cell's values that cause a mistake.

use std::rc::Rc;

use super::axes::Axis;
use super::check::Hits;
use crate::topology::diagnostic::Diagnostic;
use crate::topology::matrix::{count, place};

/// Describes the mistakes at one place of the file, whose text is `written`. A value that causes one whatever the
/// other values are is named at its place in the matrix. The rest becomes one mistake of the first cell, at the place
/// where it shows.
pub(super) fn name(
    axes: &[&Axis],
    lengths: &[usize],
    mut hits: Hits,
    written: &str,
) -> Vec<Diagnostic> {
    // Two parts of the file may find the same mistake.
    hits.sort_by_key(|(cell, _)| *cell);
    hits.dedup_by_key(|(cell, _)| *cell);
    let cells = count(lengths);
    let stands = |axis: usize| written.contains(&format!("${{{}}}", axes[axis].name));
    let variables = (0..axes.len()).filter(|axis| axes[*axis].is_variable);
    let (mut suspects, others): (Vec<usize>, Vec<usize>) =
        variables.partition(|axis| stands(*axis));
    if suspects.is_empty() {
        suspects = others;
    }
    let alone = suspects.len() == 1;
    let mut found = Vec::new();
    for axis in suspects {
        if hits.len() == cells && !alone {
            break;
        }
        let share = cells / lengths[axis];
        let mut by_value: Vec<Hits> = vec![Vec::new(); lengths[axis]];
        for (cell, mistake) in std::mem::take(&mut hits) {
            by_value[place(lengths, cell)[axis]].push((cell, mistake));
        }
        for (at, of_value) in by_value.into_iter().enumerate() {
            match of_value.as_slice() {
                [first, ..] if of_value.len() == share => {
                    let (value, span) = &axes[axis].values[at];
                    let with = format!("with {} = {value}", axes[axis].name);
                    let with = with + &number(first.0, of_value.len());
                    found.push(told(&with, &first.1, Some(span.clone())));
                }
                _ => hits.extend(of_value),
            }
        }
        hits.sort_by_key(|(cell, _)| *cell);
    }
    if let [(cell, mistake), ..] = hits.as_slice() {
        let at = place(lengths, *cell);
        let values = axes.iter().zip(&at);
        let values = values.map(|(axis, at)| format!("{} = {}", axis.name, axis.values[*at].0));
        let values: Vec<String> = values.collect();
        let with = format!("with {}", values.join(", ")) + &number(*cell, hits.len());
        let last = axes.iter().zip(&at).next_back();
        let value = last.map(|(axis, at)| axis.values[*at].1.clone());
        let span = mistake.span.clone().or(value);
        found.push(told(&with, mistake, span));
    }
    found
}

/// Names the cell, and the number of other cells with the same mistake; empty if there are none.
fn number(cell: usize, cells: usize) -> String {
    let others = cells - 1;
    if others == 0 {
        return String::new();
    }
    format!(" (cell {} and {others} more)", cell + 1)
}

fn told(with: &str, mistake: &Rc<Diagnostic>, span: Option<std::ops::Range<usize>>) -> Diagnostic {
    Diagnostic {
        span,
        message: format!("{with}: {}", mistake.message),
        remedy: mistake.remedy.clone(),
    }
}
