//! The scenarios of a file, one after the other, each over its cells.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::control::process::Hands;
use crate::number::counted;
use crate::report::event::RunEvent;
use crate::report::model::{CaptureReport, CellReport, Finding, Outcome, ScenarioReport};
use crate::topology::model::{Broadcast, Scenario, Topology, Work};

use super::capture::Captures;
use super::cell::{Params, combinations, label};
use super::context::{CellPlace, RunContext, ScenarioError, base_name};
use super::steps::action::Stage;
use super::{broadcast, proof, steps};

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
            report.outcome = worst(&report);
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
    if let Work::Broadcast(work) = &scenario.work {
        broadcast::prepare(cx, work).await?;
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
    let mut cell = empty(params);
    if let Some(reason) = cell_not_yet(cx, params)? {
        cell.outcome = Outcome::Skipped;
        cell.findings.push(finding(Outcome::Skipped, reason));
        return Ok(cell);
    }
    match &place.scenario.work {
        Work::Broadcast(work) => run_broadcast(cx, place, work, &mut cell).await?,
        Work::Steps(list) => {
            let mut stage = Stage::default();
            let limit = place.scenario.timeout;
            let ran = tokio::time::timeout(limit, steps::run(cx, place, list, &mut stage)).await;
            steps::engine::end_programs(&mut stage).await;
            match ran {
                Ok(reports) => cell.steps = reports?,
                Err(_) => cell.findings.push(late(place.scenario)),
            }
            cell.files = stage.files;
        }
        Work::Later { .. } => {}
    }
    if cell.files.iter().all(|file| file.kept.is_none()) {
        cx.evidence.drop_received(place.evidence())?;
    }
    cell.duration_s = start.elapsed().as_secs_f64();
    cell.outcome = outcome_of(&cell);
    Ok(cell)
}

async fn run_broadcast(
    cx: &RunContext<'_>,
    place: CellPlace<'_>,
    work: &Broadcast,
    cell: &mut CellReport,
) -> Result<(), ScenarioError> {
    let mut running: Vec<Hands> = Vec::new();
    let ran = broadcast::run(cx, place, work, &mut running);
    let ran = tokio::time::timeout(place.scenario.timeout, ran).await;
    for program in running {
        if let Err(error) = program.signal(SIGKILL).await {
            tracing::debug!(%error, "ended a role that had ended");
        }
    }
    match ran {
        Ok(result) => {
            let result = result?;
            cell.metrics = result.metrics;
            cell.files = result.files;
            cell.findings.extend(result.findings);
        }
        Err(_) => cell.findings.push(late(place.scenario)),
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

/// What makes a cell one for a later version.
fn cell_not_yet(cx: &RunContext<'_>, params: &Params) -> Result<Option<String>, ScenarioError> {
    if let Some(model) = params.get(MODEL)
        && model != SINGLE_THREAD
    {
        return Ok(Some(format!(
            "the model `{model}` is carried out by a later version"
        )));
    }
    let variables: BTreeMap<_, _> = params
        .iter()
        .filter(|(axis, _)| *axis != MODEL && *axis != RUN)
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    if variables.is_empty() {
        return Ok(None);
    }
    let reread =
        (cx.reread)(&variables).map_err(|wrong| ScenarioError::Reread(wrong.to_string()))?;
    Ok(impaired(&reread))
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

fn outcome_of(cell: &CellReport) -> Outcome {
    let files = if broadcast::all_equal(&cell.files) {
        Outcome::Passed
    } else {
        Outcome::Failed
    };
    let steps = cell
        .steps
        .iter()
        .map(|step| step.outcome)
        .filter(|o| *o != Outcome::Skipped);
    let findings = cell.findings.iter().map(|finding| finding.outcome);
    steps.chain(findings).fold(files, Outcome::max)
}

/// The worst of what was tried, cells and proofs; skipped only where nothing was tried.
fn worst(report: &ScenarioReport) -> Outcome {
    let cells = report.cells.iter().map(|cell| cell.outcome);
    let proofs = report.proofs.iter().map(|proof| proof.outcome);
    let tried = cells
        .chain(proofs)
        .filter(|outcome| *outcome != Outcome::Skipped);
    tried.max().unwrap_or(Outcome::Skipped)
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

fn empty(params: &Params) -> CellReport {
    CellReport {
        params: params.clone(),
        outcome: Outcome::Passed,
        duration_s: 0.0,
        metrics: BTreeMap::new(),
        files: Vec::new(),
        steps: Vec::new(),
        findings: Vec::new(),
    }
}

fn kind(work: &Work) -> &str {
    match work {
        Work::Broadcast(_) => "broadcast",
        Work::Steps(_) => "steps",
        Work::Later { kind } => kind,
    }
}

fn headline(work: &Work) -> String {
    match work {
        Work::Broadcast(work) => {
            let files: Vec<_> = work.files.iter().map(|file| base_name(file)).collect();
            let receivers = counted(work.to.len() as u64, "node");
            format!("{} from {} to {receivers}", files.join(", "), work.from)
        }
        Work::Steps(steps) => counted(steps.len() as u64, "step"),
        Work::Later { kind } => format!("kind {kind}"),
    }
}

/// The matrix axis that names the concurrency model.
const MODEL: &str = "model";

/// The model that this version has.
const SINGLE_THREAD: &str = "single-thread";

/// The parameter that tells repetitions apart.
const RUN: &str = "run";

/// signal(7).
const SIGKILL: i32 = 9;
