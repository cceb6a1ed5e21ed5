//! The run as JUnit XML: a suite for each scenario; a case for each cell and for each thing that was
//! verified.

use std::collections::BTreeSet;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::model::{
    CellReport, FileReport, Finding, Outcome, ProofReport, RunReport, ScenarioReport,
};
use super::plain_text::visible;
use super::problem::{self, Problem};
use super::view::{Tally, cell_words, file_verdict};

/// The report as JUnit XML.
///
/// # Errors
/// The XML writer's.
pub fn render(report: &RunReport) -> Result<String, SerializeError> {
    let mut junit = Report::new(plain(&report.lab));
    junit.set_time(time(report.duration_s));
    for scenario in &report.scenarios {
        junit.add_test_suite(suite(report, scenario));
    }
    junit.to_string()
}

fn suite(report: &RunReport, scenario: &ScenarioReport) -> TestSuite {
    let mut suite = TestSuite::new(plain(&scenario.name));
    let cells = scenario.cells.iter().map(|c| c.duration_s).sum();
    suite.set_time(time(cells));
    for (name, value) in [
        ("backend", &report.backend),
        ("seed", &report.seed),
        ("started", &report.started),
        ("kind", &scenario.kind),
    ] {
        suite.add_property((name, plain(value).as_str()));
    }
    if scenario.cells.is_empty() || scenario.reason.is_some() {
        let reason = scenario.reason.as_deref().unwrap_or_default();
        suite.add_test_case(case(scenario, "scenario", scenario.outcome, reason));
    }
    for cell in &scenario.cells {
        add_cell(&mut suite, report, scenario, cell);
    }
    for proof in scenario.telling_proofs() {
        suite.add_test_case(proof_case(scenario, proof));
    }
    number_repeated(&mut suite.test_cases);
    suite
}

/// Names the second of two cases of one name `… #2`, for who reads JUnit tells cases apart by their
/// names. The order is the run's, so a name stays with what it stands for.
fn number_repeated(cases: &mut [TestCase]) {
    let mut taken = BTreeSet::new();
    for case in cases {
        let name = case.name.as_str().to_owned();
        let mut own = name.clone();
        let mut number = 1;
        while !taken.insert(own.clone()) {
            number += 1;
            own = format!("{name} #{number}");
        }
        case.name = own.into();
    }
}

fn add_cell(
    suite: &mut TestSuite,
    report: &RunReport,
    scenario: &ScenarioReport,
    cell: &CellReport,
) {
    let words = cell_words(&cell.params);
    let named = |name: &str| match words.as_str() {
        "" => name.to_owned(),
        words => format!("{name} ({words})"),
    };
    let text = match sentences(&cell.findings) {
        none if none.is_empty() => tally(cell),
        text => text,
    };
    let mut own = case(scenario, &named("cell"), cell.outcome, &text);
    own.set_time(time(cell.duration_s));
    suite.add_test_case(own);
    if cell.expected.is_some() {
        // That its files are not equal is what it is about.
        return;
    }
    for file in &cell.files {
        suite.add_test_case(file_case(report, scenario, file, named));
    }
    for step in &cell.steps {
        let text = step.detail.as_deref().unwrap_or_default();
        let name = named(&format!("{} {}", step.noun(), step.name));
        let mut case = case(scenario, &name, step.outcome, text);
        case.set_time(time(step.duration_s));
        suite.add_test_case(case);
    }
}

fn file_case(
    report: &RunReport,
    scenario: &ScenarioReport,
    file: &FileReport,
    named: impl Fn(&str) -> String,
) -> TestCase {
    let name = named(&format!("file {} at {}", file.name, file.node));
    let outcome = file_verdict(file.outcome);
    let text = match outcome {
        Outcome::Passed => String::new(),
        _ => sentence(&problem::of_file(report, scenario, file)),
    };
    case(scenario, &name, outcome, &text)
}

fn proof_case(scenario: &ScenarioReport, proof: &ProofReport) -> TestCase {
    let text = match sentences(&proof.findings) {
        none if none.is_empty() => proof.summary.clone(),
        text => text,
    };
    let name = format!("proof {}", proof.name);
    case(scenario, &name, proof.outcome, &text)
}

/// A case; `text` says why it did not pass, its first line in the message.
fn case(scenario: &ScenarioReport, name: &str, outcome: Outcome, text: &str) -> TestCase {
    let mut status = match outcome {
        Outcome::Passed => TestCaseStatus::success(),
        Outcome::Skipped => TestCaseStatus::skipped(),
        Outcome::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Outcome::Incomplete | Outcome::Error => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    if outcome != Outcome::Passed {
        let word = outcome.word();
        status.set_type(word);
        let first = text.lines().next().filter(|line| !line.is_empty());
        status.set_message(plain(first.unwrap_or(word)));
        status.set_description(lines(text));
    }
    let mut case = TestCase::new(plain(name), status);
    case.set_classname(plain(&scenario.name));
    case
}

fn tally(cell: &CellReport) -> String {
    let tally = Tally::of(cell);
    let files = (!cell.files.is_empty()).then(|| format!("files: {}", tally.files_text()));
    let steps =
        (!cell.steps.is_empty()).then(|| format!("{}s: {}", tally.noun(), tally.steps_text()));
    let told: Vec<String> = files.into_iter().chain(steps).collect();
    told.join("\n")
}

fn sentences(findings: &[Finding]) -> String {
    let texts: Vec<&str> = findings.iter().map(|f| f.text.as_str()).collect();
    texts.join("\n")
}

fn sentence(problem: &Problem) -> String {
    let lines: Vec<&str> = std::iter::once(&problem.title)
        .chain(&problem.details)
        .map(String::as_str)
        .collect();
    lines.join("\n")
}

fn plain(text: &str) -> String {
    visible(text).into_owned()
}

/// Like [`plain`], but line breaks stay.
fn lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(visible).collect();
    lines.join("\n")
}

fn time(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default()
}
