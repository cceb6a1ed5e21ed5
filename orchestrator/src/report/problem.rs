//! The problems of a run, the worst first.

use crate::number::{bytes, count};

use super::model::{
    CaptureReport, CellReport, FileOutcome, FileReport, Finding, Outcome, RunReport,
    ScenarioReport, StepReport,
};
use super::view::cell_words;

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its effect on the run.
    pub outcome: Outcome,
    /// Where: the scenario, and the cell where there is a matrix.
    pub place: String,
    /// The problem, in a line.
    pub title: String,
    /// Its details, a line each.
    pub details: Vec<String>,
}

/// Everything that did not pass, errors first, then failures, then what is incomplete or was skipped;
/// within these in the order of the run.
pub fn problems(report: &RunReport) -> Vec<Problem> {
    let mut found: Vec<Problem> = report
        .scenarios
        .iter()
        .flat_map(|scenario| of_scenario(report, scenario))
        .collect();
    found.sort_by_key(|p| std::cmp::Reverse(p.outcome));
    found
}

/// The heading for a list of problems.
pub fn heading(problems: &[Problem]) -> &'static str {
    if problems.iter().all(|p| p.outcome == Outcome::Skipped) {
        "What was left out"
    } else {
        "What is wrong"
    }
}

fn of_scenario(report: &RunReport, scenario: &ScenarioReport) -> Vec<Problem> {
    let mut found = Vec::new();
    if let Some(reason) = &scenario.reason {
        found.push(Problem {
            outcome: scenario.outcome,
            place: scenario.name.clone(),
            title: format!("{}: {reason}", scenario.outcome.word()),
            details: Vec::new(),
        });
    }
    for cell in &scenario.cells {
        found.extend(of_cell(report, scenario, cell));
    }
    for proof in scenario.telling_proofs() {
        found.extend(of_findings(&scenario.name, &proof.findings));
    }
    found
}

fn of_cell(report: &RunReport, scenario: &ScenarioReport, cell: &CellReport) -> Vec<Problem> {
    if cell.expected.is_some() {
        return Vec::new();
    }
    let place = match cell_words(&cell.params) {
        words if words.is_empty() => scenario.name.clone(),
        words => format!("{}, {words}", scenario.name),
    };
    let mut found: Vec<Problem> = cell
        .files
        .iter()
        .filter(|f| f.outcome != FileOutcome::Equal)
        .map(|file| Problem {
            place: place.clone(),
            ..of_file(report, scenario, file)
        })
        .collect();
    // A step is skipped because an earlier one failed; that one is told.
    let wrong_steps = cell.steps.iter().filter(|s| s.outcome > Outcome::Skipped);
    found.extend(wrong_steps.map(|step| of_step(&place, step)));
    found.extend(of_findings(&place, &cell.findings));
    if found.is_empty() && cell.outcome != Outcome::Passed && scenario.reason.is_none() {
        found.push(Problem {
            outcome: cell.outcome,
            place,
            title: cell.outcome.word().to_owned(),
            details: Vec::new(),
        });
    }
    found
}

/// A file that is not as it should be, with where its copy and its packets are.
pub fn of_file(report: &RunReport, scenario: &ScenarioReport, file: &FileReport) -> Problem {
    let of_node = |c: &&CaptureReport| c.scenario == scenario.name && c.node == file.node;
    let capture = report.captures.iter().find(of_node);
    let mut details = vec![lengths(file)];
    if file.outcome != FileOutcome::Missing && !file.missing.is_empty() {
        details.push(format!("missing or changed: {}", ranges(&file.missing)));
    }
    details.extend(file.note.clone());
    details.extend(file.kept.as_ref().map(|path| format!("the copy: {path}")));
    details.extend(capture.map(|c| format!("the packets: {}", c.file)));
    Problem {
        outcome: Outcome::Failed,
        place: scenario.name.clone(),
        title: format!("{} at {} is {}", file.name, file.node, file.outcome.word()),
        details,
    }
}

fn lengths(file: &FileReport) -> String {
    let sent = file.bytes;
    let length = match (file.outcome, file.bytes_received) {
        (FileOutcome::Extra, Some(there)) => {
            format!("{} bytes that nobody sent", count(there))
        }
        (FileOutcome::Extra, None) => "nobody sent it".to_owned(),
        (_, Some(there)) if there > sent => {
            format!(
                "{} bytes, and the original has {}",
                count(there),
                count(sent)
            )
        }
        (_, Some(there)) if there < sent => {
            format!("{} of {} bytes", count(there), count(sent))
        }
        _ => format!("{} bytes", count(sent)),
    };
    match file.first_difference {
        Some(offset) => format!("{length}, the first difference at byte {}", count(offset)),
        None => length,
    }
}

/// The first few missing ranges, with what all of them come to.
fn ranges(missing: &[(u64, u64)]) -> String {
    let shown: Vec<String> = missing
        .iter()
        .take(SHOWN_RANGES)
        .map(|(first, end)| format!("{} to {}", count(*first), count(end.saturating_sub(1))))
        .collect();
    let total = missing.iter().map(|(a, b)| b.saturating_sub(*a)).sum();
    let more = match missing.len().saturating_sub(SHOWN_RANGES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("bytes {}{more} ({})", shown.join(", "), bytes(total))
}

fn of_step(place: &str, step: &StepReport) -> Problem {
    let details = step.detail.as_deref().unwrap_or_default();
    Problem {
        outcome: step.outcome,
        place: place.to_owned(),
        title: format!("{} {}: {}", step.noun(), step.name, step.outcome.word()),
        details: details.lines().map(str::to_owned).collect(),
    }
}

fn of_findings(place: &str, findings: &[Finding]) -> Vec<Problem> {
    findings
        .iter()
        .filter(|f| f.outcome != Outcome::Passed)
        .map(|finding| Problem {
            outcome: finding.outcome,
            place: place.to_owned(),
            title: finding.text.clone(),
            details: Vec::new(),
        })
        .collect()
}

/// Missing ranges that are told one by one.
const SHOWN_RANGES: usize = 4;
