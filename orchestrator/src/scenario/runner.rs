//! The scenarios of a file, one after the other, each over its cells.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::control::process::Hands;
use crate::number::counted;
use crate::report::event::RunEvent;
use crate::report::model::{CaptureReport, CellReport, Finding, Outcome, ScenarioReport};
use crate::topology::model::{Files, Scenario, Topology, Transfer, Work};

use super::capture::Captures;
use super::cell::{Params, combinations, label};
use super::context::{CellPlace, RunContext, ScenarioError, base_name};
use super::expectation;
use super::role::SIGKILL;
use super::steps::action::Stage;
use super::transfer::{cargo, cell};
use super::{proof, steps};

/// Carries out the scenarios, all or those named, in the file's order.
///
/// Where they are repeated, each cell says which time it is by a parameter `run`.
pub async fn run_all(
    cx: &RunContext<'_>,
    only: &[String],
    repeat: u32,
) -> (Vec<ScenarioReport>, Vec<CaptureReport>) {
    let (mut reports, mut captures) = (Vec::new(), Vec::new());
    let chosen = |scenario: &&Scenario| only.is_empty() || only.contains(&scenario.name);
    for scenario in cx.topology.scenarios.iter().filter(chosen) {
        let (report, captured) = run_one(cx, scenario, repeat).await;
        let (scenario, outcome) = (report.name.clone(), report.outcome);
        cx.tell(&RunEvent::ScenarioEnded { scenario, outcome });
        reports.push(report);
        captures.extend(captured);
    }
    (reports, captures)
}

async fn run_one(
    cx: &RunContext<'_>,
    scenario: &Scenario,
    repeat: u32,
) -> (ScenarioReport, Vec<CaptureReport>) {
    let mut matrix = scenario.matrix.clone();
    if repeat > 1 {
        matrix.push((
            RUN.to_owned(),
            (1..=repeat).map(|run| run.to_string()).collect(),
        ));
    }
    let cells = combinations(&matrix);
    let mut report = ScenarioReport {
        name: scenario.name.clone(),
        kind: kind(&scenario.work).to_owned(),
        outcome: Outcome::Passed,
        headline: headline(&scenario.work),
        reason: None,
        cells: Vec::new(),
        proofs: Vec::new(),
    };
    cx.tell(&RunEvent::ScenarioBegun {
        scenario: report.name.clone(),
        headline: report.headline.clone(),
        cells: cells.len(),
    });
    if let Some(reason) = not_yet(scenario) {
        report.outcome = Outcome::Skipped;
        report.reason = Some(reason);
        return (report, Vec::new());
    }
    match run_cells(cx, scenario, &cells, &mut report).await {
        Ok(captures) => {
            report.outcome = expectation::worst(&report, &scenario.expect);
            (report, captures)
        }
        Err(error) => {
            report.outcome = Outcome::Error;
            report.reason = Some(error.to_string());
            (report, Vec::new())
        }
    }
}

/// Runs every cell between the beginning and the end of the captures.
async fn run_cells(
    cx: &RunContext<'_>,
    scenario: &Scenario,
    cells: &[Params],
    report: &mut ScenarioReport,
) -> Result<Vec<CaptureReport>, ScenarioError> {
    if let Some(transfer) = scenario.work.transfer() {
        cargo::prepare(cx, transfer).await?;
    }
    let captures = Captures::begin(cx, &scenario.name, scenario.capture).await?;
    let mut trouble = None;
    for (index, params) in cells.iter().enumerate() {
        let cell = label(params);
        let place = CellPlace {
            scenario,
            params,
            index,
        };
        cx.tell(&RunEvent::CellBegun {
            scenario: scenario.name.clone(),
            cell: cell.clone(),
        });
        match run_cell(cx, place, params).await {
            Ok(done) => {
                let (scenario, seconds) = (scenario.name.clone(), done.duration_s);
                cx.tell(&RunEvent::CellEnded {
                    scenario,
                    cell,
                    outcome: done.outcome,
                    seconds,
                });
                report.cells.push(done);
            }
            Err(error) => {
                trouble = Some(error);
                break;
            }
        }
    }
    let captures = captures.end(cx).await;
    if let Some(error) = trouble {
        return Err(error);
    }
    report.proofs = proof::judge(cx, scenario, &captures).await?;
    Ok(captures)
}

async fn run_cell(
    cx: &RunContext<'_>,
    place: CellPlace<'_>,
    params: &Params,
) -> Result<CellReport, ScenarioError> {
    let start = Instant::now();
    let mut cell = CellReport {
        params: params.clone(),
        ..CellReport::default()
    };
    let (scenario, reason) = in_cell(cx, place)?;
    if let Some(reason) = reason {
        cell.outcome = Outcome::Skipped;
        cell.findings.push(finding(Outcome::Skipped, reason));
        return Ok(cell);
    }
    let own = CellPlace {
        scenario: &scenario,
        ..place
    };
    match &scenario.work {
        Work::Broadcast(transfer, _) | Work::Split(transfer) => {
            if Some(&transfer.files) != place.scenario.work.transfer().map(|t| &t.files) {
                cargo::prepare(cx, transfer).await?;
            }
            run_transfer(cx, own, transfer, &mut cell).await?;
        }
        Work::Steps(list) => {
            let mut stage = Stage::default();
            let ran = steps::run(cx, own, list, &mut stage);
            let ran = tokio::time::timeout(scenario.timeout, ran).await;
            steps::engine::end_programs(&mut stage).await;
            match ran {
                Ok(reports) => cell.steps = reports?,
                Err(_) => cell.findings.push(late(&scenario)),
            }
            cell.files = stage.files;
        }
        Work::Later { .. } => {}
    }
    if cell.files.iter().all(|file| file.kept.is_none()) {
        cx.evidence.drop_received(place.evidence())?;
    }
    cell.duration_s = start.elapsed().as_secs_f64();
    expectation::judge(&mut cell, &scenario.expect);
    Ok(cell)
}

async fn run_transfer(
    cx: &RunContext<'_>,
    place: CellPlace<'_>,
    transfer: &Transfer,
    report: &mut CellReport,
) -> Result<(), ScenarioError> {
    let mut running: Vec<Hands> = Vec::new();
    let ran = cell::run(cx, place, transfer, (report, &mut running));
    let ran = tokio::time::timeout(place.scenario.timeout, ran).await;
    for program in running {
        if let Err(error) = program.signal(SIGKILL).await {
            tracing::debug!(%error, "ended a role that had ended");
        }
    }
    match ran {
        Ok(result) => result?,
        Err(_) => report.findings.push(late(place.scenario)),
    }
    Ok(())
}

/// What makes a scenario one for a later version.
fn not_yet(scenario: &Scenario) -> Option<String> {
    if let Work::Later { kind } = &scenario.work {
        return Some(format!(
            "scenarios of kind `{kind}` are carried out by a later version"
        ));
    }
    (!scenario.faults.is_empty()).then(|| "faults are carried out by a later version".to_owned())
}

/// The scenario as a cell's parameters make it, and what makes it one for a later version.
fn in_cell(
    cx: &RunContext<'_>,
    place: CellPlace<'_>,
) -> Result<(Scenario, Option<String>), ScenarioError> {
    let params = place.params.iter();
    let variables: BTreeMap<_, _> = params
        .filter(|(axis, _)| *axis != MODEL && *axis != RUN)
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    let (mut scenario, mut reason) = (place.scenario.clone(), None);
    if !variables.is_empty() {
        let wrong = |wrong: crate::topology::Diagnostics| ScenarioError::Reread(wrong.to_string());
        let reread = (cx.reread)(&variables).map_err(wrong)?;
        reason = impaired(&reread);
        let mut scenarios = reread.scenarios.into_iter();
        scenario = scenarios
            .find(|s| s.name == scenario.name)
            .unwrap_or(scenario);
    }
    if let (Some(model), Work::Broadcast(transfer, _) | Work::Split(transfer)) =
        (place.params.get(MODEL), &mut scenario.work)
        && let Ok(model) = model.parse()
    {
        transfer.sending.model = Some(model);
    }
    Ok((scenario, reason))
}

/// What says that a topology has links that this version would not make bad.
pub fn impaired(topology: &Topology) -> Option<String> {
    topology.nodes.iter().find_map(|node| {
        let bad =
            |i: &&crate::topology::model::Interface| !i.egress.is_none() || !i.ingress.is_none();
        let interface = node.interfaces.iter().find(bad)?;
        let end = format!("{}:{}", node.name, interface.name);
        Some(format!(
            "impairments, here of {end}, are carried out by a later version"
        ))
    })
}

fn late(scenario: &Scenario) -> Finding {
    finding(
        Outcome::Failed,
        format!("did not end within {:?}", scenario.timeout),
    )
}

fn finding(outcome: Outcome, text: String) -> Finding {
    Finding {
        outcome,
        node: None,
        text,
    }
}

fn kind(work: &Work) -> &str {
    match work {
        Work::Broadcast(..) => "broadcast",
        Work::Split(_) => "split",
        Work::Steps(_) => "steps",
        Work::Later { kind } => kind,
    }
}

fn headline(work: &Work) -> String {
    match work {
        Work::Broadcast(transfer, _) => {
            let receivers = counted(transfer.to.len() as u64, "node");
            format!("{} from {} to {receivers}", names(transfer), transfer.from)
        }
        Work::Split(transfer) => {
            let to: Vec<_> = transfer.to.iter().map(ToString::to_string).collect();
            let (names, from) = (names(transfer), &transfer.from);
            format!("{names} from {from} to {}, one to each", to.join(", "))
        }
        Work::Steps(steps) => counted(steps.len() as u64, "step"),
        Work::Later { kind } => format!("kind {kind}"),
    }
}

/// What is sent, in words.
fn names(transfer: &Transfer) -> String {
    let names: Vec<_> = match &transfer.files {
        Files::Here(files) => files.iter().map(|file| base_name(file)).collect(),
        Files::Downloaded(files) => files.iter().map(|file| file.key.to_string()).collect(),
    };
    names.join(", ")
}

/// The matrix axis that names the concurrency model.
const MODEL: &str = "model";

/// The parameter that tells repetitions apart.
const RUN: &str = "run";
