//! The verdict on cells and scenarios, and its turning round where they were to fail.

use crate::report::model::{CellReport, FileOutcome, Finding, Outcome, ScenarioReport};
use crate::topology::model::Expect;

/// Judges a cell by its files, steps and findings, and then by what was expected of it: one that was
/// to fail and did has passed, and one that did not has failed.
pub fn judge(cell: &mut CellReport, expect: &Expect) {
    cell.outcome = outcome(cell);
    let Expect::Fail { reason } = expect else {
        return;
    };
    match cell.outcome {
        Outcome::Failed => {
            cell.outcome = Outcome::Passed;
            cell.expected = Some(reason.clone());
        }
        Outcome::Passed => {
            cell.outcome = Outcome::Failed;
            cell.findings.push(Finding {
                outcome: Outcome::Failed,
                node: None,
                text: format!("it passed, but was to fail: {reason}"),
            });
        }
        // What could not be tried, or not be seen, says nothing.
        Outcome::Skipped | Outcome::Incomplete | Outcome::Error => {}
    }
}

/// The worst of what was tried, cells and proofs; skipped only where nothing was tried. What speaks
/// against a scenario that was to fail is no news.
pub fn worst(report: &ScenarioReport, expect: &Expect) -> Outcome {
    let cells = report.cells.iter().map(|cell| cell.outcome);
    let proofs = report.proofs.iter().map(|proof| proof.outcome);
    let news = |outcome: &Outcome| *expect == Expect::Pass || *outcome != Outcome::Failed;
    let tried = cells.chain(proofs.filter(news));
    let tried = tried.filter(|outcome| *outcome != Outcome::Skipped);
    tried.max().unwrap_or(Outcome::Skipped)
}

fn outcome(cell: &CellReport) -> Outcome {
    let equal = |outcome| outcome == FileOutcome::Equal;
    let files = if cell.files.iter().all(|file| equal(file.outcome)) {
        Outcome::Passed
    } else {
        Outcome::Failed
    };
    let steps = cell.steps.iter().map(|step| step.outcome);
    let steps = steps.filter(|outcome| *outcome != Outcome::Skipped);
    let findings = cell.findings.iter().map(|finding| finding.outcome);
    steps.chain(findings).fold(files, Outcome::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(found: Option<Outcome>) -> CellReport {
        let finding = |outcome| Finding {
            outcome,
            node: None,
            text: "found".to_owned(),
        };
        CellReport {
            findings: found.map(finding).into_iter().collect(),
            ..CellReport::default()
        }
    }

    fn judged(found: Option<Outcome>, expect: &Expect) -> (Outcome, bool, usize) {
        let mut cell = cell(found);
        judge(&mut cell, expect);
        (cell.outcome, cell.expected.is_some(), cell.findings.len())
    }

    #[test]
    fn a_failure_that_was_expected_has_passed_and_a_pass_has_failed() {
        let fail = Expect::Fail {
            reason: "too long".to_owned(),
        };
        assert_eq!(judged(None, &Expect::Pass), (Outcome::Passed, false, 0));
        assert_eq!(
            judged(Some(Outcome::Failed), &Expect::Pass),
            (Outcome::Failed, false, 1)
        );
        assert_eq!(
            judged(Some(Outcome::Failed), &fail),
            (Outcome::Passed, true, 1)
        );
        assert_eq!(judged(None, &fail), (Outcome::Failed, false, 1));
        for other in [Outcome::Skipped, Outcome::Incomplete, Outcome::Error] {
            assert_eq!(judged(Some(other), &fail), (other, false, 1));
        }
    }
}
