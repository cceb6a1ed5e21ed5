//! The content that every readable report shares, whatever its form: tallies, tables and problems as texts.

use std::collections::{BTreeMap, BTreeSet};

use crate::number::{self, counted};

use super::model::{
    CellReport, FileOutcome, Outcome, RunReport, ScenarioReport, StepReport, WorkReport,
};
use super::steps::steps_table;

/// A table of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows; each has a text for every column.
    pub rows: Vec<Row>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its title.
    pub title: String,
    /// Whether its texts are numbers, which stand at the right.
    pub number: bool,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The outcome of its subject.
    pub outcome: Outcome,
    /// Its texts.
    pub texts: Vec<String>,
}

impl Table {
    /// One without rows: titles, and whether what is below is a number.
    pub fn new(columns: Vec<(String, bool)>) -> Self {
        let column = |(title, number)| Column { title, number };
        Self {
            columns: columns.into_iter().map(column).collect(),
            rows: Vec::new(),
        }
    }
}

/// The counts of a run's files and steps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Files that were due.
    pub files: u64,
    /// Those of them that are equal.
    pub equal: u64,
    /// Files that nobody sent.
    pub extra: u64,
    /// Steps.
    pub steps: u64,
    /// Those of them that passed.
    pub passed: u64,
    /// Those of them that were skipped, because one before them was not as expected.
    pub skipped: u64,
    /// Steps that are commands to a server.
    pub commands: u64,
    /// Clients at a file server.
    pub clients: u64,
    /// Those of them that did it, each byte verified.
    pub clients_ok: u64,
    /// Cells that failed as they were to; nothing of them is counted elsewhere.
    pub lessons: u64,
}

impl Tally {
    /// Counts a cell's, whatever was expected of it.
    pub fn of(cell: &CellReport) -> Self {
        let files = |wanted: fn(FileOutcome) -> bool| {
            cell.files.iter().filter(|f| wanted(f.outcome)).count() as u64
        };
        let extra = files(|o| o == FileOutcome::Extra);
        let steps = |wanted: Outcome| {
            let of = |s: &&StepReport| s.outcome == wanted;
            cell.steps.iter().filter(of).count() as u64
        };
        let figures = cell.stress.as_ref();
        let ok = figures.map_or(0, |figures| u64::from(figures.clients_ok));
        let failed = figures.map_or(0, |figures| u64::from(figures.clients_failed));
        Self {
            clients: ok + failed,
            clients_ok: ok,
            files: cell.files.len() as u64 - extra,
            equal: files(|o| o == FileOutcome::Equal),
            extra,
            steps: cell.steps.len() as u64,
            passed: steps(Outcome::Passed),
            skipped: steps(Outcome::Skipped),
            commands: cell.steps.iter().filter(|s| s.reply.is_some()).count() as u64,
            lessons: 0,
        }
    }

    /// Counts a run's.
    pub fn of_run(report: &RunReport) -> Self {
        let cells = report.scenarios.iter().flat_map(|s| &s.cells);
        let counted = |cell: &CellReport| match &cell.expected {
            None => Self::of(cell),
            Some(_) => Self {
                lessons: 1,
                ..Self::default()
            },
        };
        cells.map(counted).fold(Self::default(), |a, b| Self {
            files: a.files + b.files,
            equal: a.equal + b.equal,
            extra: a.extra + b.extra,
            steps: a.steps + b.steps,
            passed: a.passed + b.passed,
            skipped: a.skipped + b.skipped,
            commands: a.commands + b.commands,
            clients: a.clients + b.clients,
            clients_ok: a.clients_ok + b.clients_ok,
            lessons: a.lessons + b.lessons,
        })
    }

    /// `4 of 4 equal`, with what is extra.
    pub fn files_text(&self) -> String {
        let due = format!(
            "{} of {} equal",
            number::count(self.equal),
            number::count(self.files)
        );
        match self.extra {
            0 => due,
            extra => format!("{due}, {} extra", number::count(extra)),
        }
    }

    /// Returns the singular noun for its steps.
    pub fn noun(&self) -> &'static str {
        if self.steps > 0 && self.commands == self.steps {
            "command"
        } else {
            "step"
        }
    }

    /// `5 of 5 passed`.
    pub fn steps_text(&self) -> String {
        format!(
            "{} of {} passed",
            number::count(self.passed),
            number::count(self.steps)
        )
    }
}

/// Returns the outcome of a cell whose file was compared so.
pub fn file_verdict(outcome: FileOutcome) -> Outcome {
    match outcome {
        FileOutcome::Equal => Outcome::Passed,
        _ => Outcome::Failed,
    }
}

/// A cell in words: `loss 5%, model multi-thread`; empty where there is no matrix.
pub fn cell_words(params: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = params.iter().map(|(k, v)| format!("{k} {v}")).collect();
    pairs.join(", ")
}

/// The table that tells a scenario at a glance, where [`super::stress::stress_tables`] do not: its cells, or, where it is one cell of steps and
/// nothing else, these.
pub fn summary_table(scenario: &ScenarioReport) -> Option<Table> {
    if scenario.stress.is_some() {
        return None;
    }
    match only_steps(scenario) {
        Some(cell) => steps_table(cell),
        None => cells_table(scenario),
    }
}

pub(super) fn only_steps(scenario: &ScenarioReport) -> Option<&CellReport> {
    match scenario.cells.as_slice() {
        [cell] if cell.files.is_empty() && !cell.steps.is_empty() => Some(cell),
        _ => None,
    }
}

/// A scenario's cells: parameters, time, what was measured, files and steps. None where it has no
/// cell.
fn cells_table(scenario: &ScenarioReport) -> Option<Table> {
    if scenario.cells.is_empty() {
        return None;
    }
    let cells = &scenario.cells;
    let params: BTreeSet<&String> = cells.iter().flat_map(|c| c.params.keys()).collect();
    let metrics: BTreeSet<&String> = cells.iter().flat_map(|c| c.metrics.keys()).collect();
    let files = cells.iter().any(|c| !c.files.is_empty());
    let steps = cells.iter().find(|c| !c.steps.is_empty());
    let steps = steps.map(|cell| format!("{}s", Tally::of(cell).noun()));
    let work = cells.iter().any(|c| c.work.is_some());
    let plain = |c: &CellReport| c.outcome == Outcome::Passed && c.expected.is_none();
    let all_passed = cells.iter().all(plain);

    let mut columns: Vec<(String, bool)> = params.iter().map(|p| ((*p).clone(), false)).collect();
    columns.push(("time".to_owned(), true));
    columns.extend(metrics.iter().map(|m| (metric_title(m), true)));
    columns.extend(work.then(|| ("at work".to_owned(), false)));
    columns.extend(files.then(|| ("files".to_owned(), false)));
    let has_steps = steps.is_some();
    columns.extend(steps.map(|noun| (noun, false)));
    columns.extend((!all_passed).then(|| ("outcome".to_owned(), false)));
    let mut table = Table::new(columns);
    for cell in cells {
        let tally = Tally::of(cell);
        let param = |p: &&String| cell.params.get(*p).cloned().unwrap_or_else(nothing);
        let metric = |m: &&String| {
            cell.metrics
                .get(*m)
                .map_or_else(nothing, |v| measured(m, *v))
        };
        let mut texts: Vec<String> = params.iter().map(param).collect();
        texts.push(number::seconds(cell.duration_s));
        texts.extend(metrics.iter().map(metric));
        texts.extend(work.then(|| cell.work.as_ref().map_or_else(nothing, at_work)));
        texts.extend(files.then(|| tally.files_text()));
        texts.extend(has_steps.then(|| tally.steps_text()));
        texts.extend((!all_passed).then(|| outcome_words(cell)));
        table.rows.push(Row {
            outcome: cell.outcome,
            texts,
        });
    }
    Some(table)
}

/// Describes the workers by the kinds of which there was more than one.
fn at_work(work: &WorkReport) -> String {
    let threads = || counted(work.threads.max(1).into(), "thread");
    match work.processes {
        0 | 1 => threads(),
        processes if work.threads <= 1 => format!("{processes} processes"),
        processes => format!("{processes} processes, {}", threads()),
    }
}

fn outcome_words(cell: &CellReport) -> String {
    match cell.expected {
        Some(_) => "failed, as expected".to_owned(),
        None => cell.outcome.word().to_owned(),
    }
}

/// A scenario's files, those that are not as they should be first; none where it has none.
pub fn files_table(scenario: &ScenarioReport) -> Option<Table> {
    let matrix = scenario.cells.iter().any(|c| !c.params.is_empty());
    let mut columns = vec![("node".to_owned(), false), ("file".to_owned(), false)];
    columns.extend(matrix.then(|| ("cell".to_owned(), false)));
    let last = [
        ("bytes", true),
        ("result", false),
        ("SHA-256 received", false),
    ];
    columns.extend(last.map(|(title, number)| (title.to_owned(), number)));
    let files = || scenario.cells.iter().flat_map(|c| &c.files);
    let named = files().any(|file| file.received_as.is_some());
    let noted = files().any(|file| file.note.is_some());
    columns.extend(named.then(|| ("received as".to_owned(), false)));
    columns.extend(noted.then(|| ("why".to_owned(), false)));
    let mut table = Table::new(columns);
    for cell in &scenario.cells {
        for file in &cell.files {
            let mut texts = vec![file.node.clone(), file.name.clone()];
            texts.extend(matrix.then(|| cell_words(&cell.params)));
            texts.push(file.bytes_received.map_or_else(nothing, number::count));
            texts.push(file.outcome.word().to_owned());
            texts.push(file.sha256_received.clone().unwrap_or_else(nothing));
            let text = |text: &Option<String>| text.clone().unwrap_or_else(nothing);
            texts.extend(named.then(|| text(&file.received_as)));
            texts.extend(noted.then(|| text(&file.note)));
            let outcome = match cell.expected {
                Some(_) => Outcome::Passed,
                None => file_verdict(file.outcome),
            };
            table.rows.push(Row { outcome, texts });
        }
    }
    table.rows.sort_by_key(|r| std::cmp::Reverse(r.outcome));
    (!table.rows.is_empty()).then_some(table)
}

/// A run's captures; none where there is none.
pub fn captures_table(report: &RunReport) -> Option<Table> {
    let titles = [
        ("scenario", false),
        ("interface", false),
        ("packets", true),
        ("dropped", true),
        ("file", false),
    ];
    let mut table = Table::new(titles.map(|(t, n)| (t.to_owned(), n)).into());
    for capture in &report.captures {
        let whole = capture.dropped == 0 && capture.cut_short.is_none();
        let why = capture.cut_short.as_ref();
        table.rows.push(Row {
            outcome: if whole {
                Outcome::Passed
            } else {
                Outcome::Incomplete
            },
            texts: vec![
                capture.scenario.clone(),
                format!("{} {}", capture.node, capture.interface),
                number::count(capture.packets),
                number::count(capture.dropped),
                why.map_or_else(
                    || capture.file.clone(),
                    |w| format!("{} ({w})", capture.file),
                ),
            ],
        });
    }
    (!table.rows.is_empty()).then_some(table)
}

/// Returns the duration of a phase of a run, a dash where there was none.
pub fn phase(took: f64) -> String {
    if took > 0.0 {
        number::seconds(took)
    } else {
        "–".to_owned()
    }
}

/// `3 nodes on 1 network`.
pub fn size(nodes: usize, segments: usize) -> String {
    let nodes = counted(nodes as u64, "node");
    match segments {
        0 => nodes,
        segments => format!("{nodes} on {}", counted(segments as u64, "network")),
    }
}

/// The title of a metric: its name without the unit at its end.
fn metric_title(name: &str) -> String {
    let bare = UNITS
        .iter()
        .find_map(|(unit, _)| name.strip_suffix(unit))
        .unwrap_or(name);
    bare.replace('_', " ")
}

/// A measured value in the unit that its name ends with.
fn measured(name: &str, value: f64) -> String {
    let unit = UNITS.iter().find(|(unit, _)| name.ends_with(unit));
    unit.map_or_else(|| number::plain(value), |(_, show)| show(value))
}

pub(super) fn nothing() -> String {
    "–".to_owned()
}

/// Formats a value.
type Format = fn(f64) -> String;

/// The units that names of metrics end with, longer ones before those that they end with.
const UNITS: [(&str, Format); 5] = [
    ("_bytes_per_s", number::rate),
    ("_per_s", |value| format!("{}/s", number::plain(value))),
    ("_bytes", number::bytes_measured),
    ("_percent", |value| format!("{} %", number::plain(value))),
    ("_s", number::seconds),
];
