//! Each file's task in words, and what a scenario that was to fail teaches.

use std::collections::BTreeSet;

use crate::number;

use super::model::{CellReport, FileOutcome, FileReport, ScenarioReport, TaskReport, WorkReport};
use super::view::{Row, Table, cell_words};

/// The tasks of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tasks {
    /// The cell in words, or the model where there is no matrix.
    pub cell: String,
    /// The workers and their times, in a line.
    pub run: String,
    /// Each task.
    pub table: Table,
}

/// The tasks of each cell; none where nothing had tasks.
pub fn tasks(scenario: &ScenarioReport) -> Vec<Tasks> {
    let of = |cell: &CellReport| {
        let work = cell.work.as_ref()?;
        let words = cell_words(&cell.params);
        Some(Tasks {
            cell: if words.is_empty() {
                work.model.clone()
            } else {
                words
            },
            run: run(work),
            table: tasks_table(work),
        })
    };
    scenario.cells.iter().filter_map(of).collect()
}

fn run(work: &WorkReport) -> String {
    let processes = match work.processes {
        0 | 1 => "1 process".to_owned(),
        processes => format!("{processes} processes"),
    };
    let pool = work.pool.map(|size| format!(" (a pool of {size})"));
    format!(
        "{} from {} to {}; at work at once: {processes}, {} in one, {}{}; {} a task at most, {} pause",
        number::seconds(work.seconds),
        work.started,
        work.ended,
        number::counted(work.threads.into(), "thread"),
        number::counted(work.tasks.into(), "task"),
        pool.unwrap_or_default(),
        number::seconds(work.deadline_s),
        number::seconds(work.pause_s),
    )
}

fn tasks_table(work: &WorkReport) -> Table {
    let titles = [
        ("file", false),
        ("to", false),
        ("worker", false),
        ("started", false),
        ("time", true),
        ("datagrams", true),
        ("result", false),
    ];
    let mut table = Table::new(titles.map(|(t, n)| (t.to_owned(), n)).into());
    let result = |task: &TaskReport| match &task.reason {
        Some(reason) => reason.clone(),
        None => task.outcome.word().to_owned(),
    };
    table.rows.extend(work.files.iter().map(|task| Row {
        outcome: task.outcome,
        texts: vec![
            task.file.clone(),
            task.to.clone(),
            task.worker.clone(),
            task.started.clone(),
            number::seconds(task.seconds),
            number::count(task.datagrams),
            result(task),
        ],
    }));
    table
}

/// The links that were bad in cells of a scenario, and what made them so.
pub fn bad_links(scenario: &ScenarioReport) -> Vec<String> {
    let links = scenario.cells.iter().flat_map(|cell| &cell.links);
    let links: BTreeSet<&String> = links.collect();
    links.into_iter().cloned().collect()
}

/// Why a scenario was to fail, and what became of its files; empty where it was not, or did not.
pub fn lesson(scenario: &ScenarioReport) -> Vec<String> {
    let taught = scenario.cells.iter().filter(|cell| cell.expected.is_some());
    let (mut reasons, mut facts) = (BTreeSet::new(), BTreeSet::new());
    for cell in taught {
        reasons.extend(cell.expected.clone());
        facts.extend(cell.files.iter().map(fact));
    }
    reasons.into_iter().chain(facts).collect()
}

/// Describes the result of a file, wherever it was due.
fn fact(file: &FileReport) -> String {
    let came = match file.outcome {
        FileOutcome::Equal => "arrived whole".to_owned(),
        FileOutcome::Missing => "did not arrive".to_owned(),
        FileOutcome::Extra => "was not sent".to_owned(),
        other => format!("is {}", other.word()),
    };
    match &file.note {
        Some(note) => format!("{} {came}: {note}", file.name),
        None => format!("{} {came}", file.name),
    }
}
