//! The steps of cells, or their commands to a server, as tables.

use crate::number::{self, counted};

use super::model::{CellReport, ReplyReport, ScenarioReport, StepReport};
use super::view::{Row, Table, Tally, cell_words, nothing, only_steps};

/// The steps of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Steps {
    /// `Steps`, or `Commands`, with the cell in words where there is a matrix.
    pub title: String,
    /// Each step.
    pub table: Table,
}

/// The steps of each cell, where the summary doesn't show them.
pub fn steps_tables(scenario: &ScenarioReport) -> Vec<Steps> {
    if only_steps(scenario).is_some() {
        return Vec::new();
    }
    let named = |cell: &CellReport| {
        let noun = match Tally::of(cell).noun() {
            "command" => "Commands",
            _ => "Steps",
        };
        let title = match cell_words(&cell.params) {
            words if words.is_empty() => noun.to_owned(),
            words => format!("{noun}: {words}"),
        };
        let table = steps_table(cell)?;
        Some(Steps { title, table })
    };
    scenario.cells.iter().filter_map(named).collect()
}

/// A cell's steps, with a server's replies where they are commands; none where it has none.
pub(super) fn steps_table(cell: &CellReport) -> Option<Table> {
    let noun = Tally::of(cell).noun();
    let replies = noun == "command";
    let mut columns = vec![(noun, false)];
    columns.extend(replies.then_some(("reply", false)));
    columns.extend(replies.then_some(("bytes", true)));
    columns.extend([("time", true), ("outcome", false)]);
    let columns = columns.into_iter().map(|(t, n)| (t.to_owned(), n));
    let mut table = Table::new(columns.collect());
    let row = |step: &StepReport| {
        let mut texts = vec![step.name.clone()];
        if replies {
            let bytes = step.reply.as_ref().and_then(|reply| reply.bytes);
            texts.push(step.reply.as_ref().map_or_else(nothing, reply_words));
            texts.push(bytes.map_or_else(nothing, number::count));
        }
        texts.push(number::seconds(step.duration_s));
        texts.push(step.outcome.word().to_owned());
        let outcome = step.outcome;
        Row { outcome, texts }
    };
    table.rows.extend(cell.steps.iter().map(row));
    (!table.rows.is_empty()).then_some(table)
}

/// A reply in words: `OK`, `OK, 3 names`, `ERROR: rock.jpg does not exist`.
fn reply_words(reply: &ReplyReport) -> String {
    let Some(status) = &reply.status else {
        return nothing();
    };
    match reply.names {
        Some(names) => format!("{status}, {}", counted(names as u64, "name")),
        None if reply.words.is_empty() => status.clone(),
        None => format!("{status}: {}", reply.words),
    }
}
