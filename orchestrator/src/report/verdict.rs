//! The verdict of a run, in a line.

use crate::number::{count, counted, seconds};

use super::model::{Outcome, RunReport, ScenarioReport};
use super::view::Tally;

/// The line: `20 of 20 files equal byte for byte, in 340 ms`. The outcome's own word stands before
/// it in every report.
pub fn verdict(report: &RunReport) -> String {
    let tally = Tally::of_run(report);
    let said = match report.outcome {
        Outcome::Passed => passed(&tally),
        Outcome::Failed => failed(report, &tally),
        Outcome::Incomplete => format!("{}, but the evidence does not suffice", passed(&tally)),
        Outcome::Skipped => "nothing could be tried here".to_owned(),
        Outcome::Error => "it could not be carried out".to_owned(),
    };
    let skipped = with_outcome(report, Outcome::Skipped).count() as u64;
    let note = match (report.outcome, skipped) {
        (Outcome::Skipped, _) | (_, 0) => String::new(),
        (_, some) => format!("; {} skipped", counted(some, "scenario")),
    };
    format!("{said}, in {}{note}", seconds(report.duration_s))
}

fn passed(tally: &Tally) -> String {
    let files = (tally.files > 0).then(|| format!("{} byte for byte", equal(tally)));
    let steps = (tally.steps > 0).then(|| {
        let of = count(tally.passed);
        format!("{of} of {}", counted(tally.steps, tally.noun()))
    });
    let lessons = (tally.lessons > 0).then(|| {
        let cells = counted(tally.lessons, "cell");
        format!("{cells} failed as expected")
    });
    let clients = (tally.clients > 0).then(|| {
        let of = count(tally.clients_ok);
        let all = counted(tally.clients, "client");
        format!("{of} of {all} done, every byte verified")
    });
    let said = files.into_iter().chain(clients).chain(steps).chain(lessons);
    let said: Vec<String> = said.collect();
    if said.is_empty() {
        return "the lab was raised".to_owned();
    }
    said.join(", ")
}

fn equal(tally: &Tally) -> String {
    format!(
        "{} of {} equal",
        count(tally.equal),
        counted(tally.files, "file")
    )
}

fn failed(report: &RunReport, tally: &Tally) -> String {
    let mut said = Vec::new();
    let steps = tally.steps - tally.passed - tally.skipped;
    if tally.equal < tally.files {
        said.push(format!("only {}", equal(tally)));
    }
    if tally.extra > 0 {
        said.push(format!("{} that nobody sent", counted(tally.extra, "file")));
    }
    if steps > 0 {
        let all = counted(tally.steps, tally.noun());
        said.push(format!("{} of {all} failed", count(steps)));
    }
    if tally.clients_ok < tally.clients {
        let all = counted(tally.clients, "client");
        let failed = count(tally.clients - tally.clients_ok);
        said.push(format!("{failed} of {all} failed"));
    }
    if tally.skipped > 0 {
        said.push(format!("{} skipped", count(tally.skipped)));
    }
    if said.is_empty() {
        let scenarios = counted(report.scenarios.len() as u64, "scenario");
        let failed = with_outcome(report, Outcome::Failed).count() as u64;
        said.push(format!("{} of {scenarios} failed", count(failed)));
    }
    said.join(", ")
}

fn with_outcome(report: &RunReport, outcome: Outcome) -> impl Iterator<Item = &ScenarioReport> {
    let wanted = move |s: &&ScenarioReport| s.outcome == outcome;
    report.scenarios.iter().filter(wanted)
}
