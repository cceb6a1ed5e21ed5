//! The scenarios of a file, one after the other, each over its cells.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use crate::control::process::ProcessHandle;
use crate::plan::{LinkConditions, link_conditions};
use crate::report::event::RunEvent;
use crate::report::model::{CaptureReport, CellReport, Finding, Outcome, ScenarioReport};
use crate::topology;
use crate::topology::model::{Scenario, Transfer, Work};

use super::agenda::{Agenda, Cell};
use super::capture::Captures;
use super::context::{CellPlace, RunContext, ScenarioError};
use super::estimate::{Estimate, weight};
use super::headline::{headline, kind};
use super::overflow::Overflow;
use super::role::SIGKILL;
use super::steps::action::Stage;
use super::stress::published::Published;
use super::stress::summary::summarize;
use super::transfer::originals::Originals;
use super::transfer::{cell, payload};
use super::{conversation, expectation, limits, proof, steps, stress};

/// Carries out the scenarios, all or those asked for, in the file's order.
pub async fn run_all(
    cx: &RunContext<'_>,
    agenda: &Agenda,
) -> (Vec<ScenarioReport>, Vec<CaptureReport>) {
    let (mut reports, mut captures) = (Vec::new(), Vec::new());
    let chosen = |scenario: &&Scenario| agenda.has(scenario);
    for scenario in cx.topology.scenarios.iter().filter(chosen) {
        let (report, captured) = run_one(cx, scenario, agenda).await;
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
    agenda: &Agenda,
) -> (ScenarioReport, Vec<CaptureReport>) {
    let cells: Vec<Cell> = agenda.cells(scenario).collect();
    let mut report = ScenarioReport {
        name: scenario.name.clone(),
        kind: kind(&scenario.work).to_owned(),
        headline: headline(&scenario.work),
        ..ScenarioReport::default()
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
    let ran = run_cells(cx, scenario, &cells, &mut report).await;
    report.stress = summarize(&report.cells);
    match ran {
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

/// Runs every cell that was not run before an interruption, between the beginning and the end of the
/// captures.
async fn run_cells(
    cx: &RunContext<'_>,
    scenario: &Scenario,
    cells: &[Cell],
    report: &mut ScenarioReport,
) -> Result<Vec<CaptureReport>, ScenarioError> {
    let earlier = |cell: &Cell| cx.journal.earlier(&scenario.name, &cell.params);
    report
        .cells
        .extend(cells.iter().filter_map(earlier).cloned());
    report.earlier_cells = report.cells.len();
    let left: Vec<&Cell> = cells
        .iter()
        .filter(|cell| earlier(cell).is_none())
        .collect();
    if left.is_empty() {
        return Ok(Vec::new());
    }
    let originals = match scenario.work.transfer() {
        Some(transfer) => payload::prepare(cx, transfer).await?,
        None => Originals::default(),
    };
    let overflow = Overflow::begin(cx, scenario).await;
    let captures = Captures::begin(cx, scenario).await?;
    let ran = run_each(cx, (scenario, &originals), &left, report).await;
    let captures = captures.end(cx).await;
    let places = cells.iter().map(|cell| (&cell.params, cell.index));
    let places: BTreeMap<_, _> = places.collect();
    report
        .cells
        .sort_by_cached_key(|cell| places.get(&cell.params).copied());
    let met = ran?;
    report.proofs = proof::judge(cx, scenario, &captures, &met).await?;
    if let Some(overflow) = overflow {
        overflow.explain(&mut report.proofs).await;
    }
    Ok(captures)
}

/// Runs cells, and returns the different conditions that links had in those that were not skipped.
async fn run_each(
    cx: &RunContext<'_>,
    (scenario, originals): (&Scenario, &Originals),
    cells: &[&Cell],
    report: &mut ScenarioReport,
) -> Result<Vec<LinkConditions>, ScenarioError> {
    let mut met: Vec<LinkConditions> = Vec::new();
    let mut estimate = Estimate::new(weigh(cx, scenario, cells).await);
    let total = report.earlier_cells + cells.len();
    for cell in cells {
        let own = with_values(cx, scenario, cell);
        let name = cell.label();
        cx.tell(&RunEvent::CellBegun {
            scenario: scenario.name.clone(),
            cell: name.clone(),
            done: report.cells.len(),
            cells: total,
            left_s: estimate.left().map(|left| left.as_secs_f64()),
        });
        let place = CellPlace {
            scenario: &own.scenario,
            params: &cell.params,
            index: cell.index,
        };
        let conditions = link_conditions(&own.topology);
        let unsupported = cx.capabilities.unsupported(&conditions);
        let done = if unsupported.is_empty() {
            let links = cx.lab.set_conditions(&conditions).await?;
            let done = run_cell(cx, place, (cell, scenario, originals)).await?;
            if !met.contains(&conditions) {
                met.push(conditions);
            }
            CellReport { links, ..done }
        } else {
            skipped(cell, &unsupported.join("; "))
        };
        cx.journal.note(&scenario.name, &done)?;
        estimate.done(weight(&own.scenario.work));
        cx.tell(&RunEvent::CellEnded {
            scenario: scenario.name.clone(),
            cell: name,
            outcome: done.outcome,
            seconds: done.duration_s,
        });
        report.cells.push(done);
        // Nothing else need wait here, and an interruption must get through.
        tokio::task::yield_now().await;
    }
    Ok(met)
}

/// Returns the weight of all cells together. It is counted cell by cell where their values change it.
async fn weigh(cx: &RunContext<'_>, scenario: &Scenario, cells: &[&Cell]) -> u64 {
    if !matches!(scenario.work, Work::Stress(_)) {
        return weight(&scenario.work).saturating_mul(cells.len() as u64);
    }
    let mut all = 0_u64;
    for cell in cells {
        all = all.saturating_add(weight(&with_values(cx, scenario, cell).scenario.work));
        tokio::task::yield_now().await;
    }
    all
}

/// Applies a cell's values to its scenario and the lab.
fn with_values(cx: &RunContext<'_>, scenario: &Scenario, cell: &Cell) -> topology::Cell {
    let own = cx.cells.cell(&scenario.name, cell.number);
    own.unwrap_or_else(|| topology::Cell {
        scenario: scenario.clone(),
        topology: Arc::clone(cx.cells.topology()),
    })
}

async fn run_cell(
    cx: &RunContext<'_>,
    place: CellPlace<'_>,
    (cell, base, originals): (&Cell, &Scenario, &Originals),
) -> Result<CellReport, ScenarioError> {
    let start = Instant::now();
    let scenario = place.scenario;
    let mut report = empty(cell);
    match &scenario.work {
        Work::Broadcast(transfer, _) | Work::Split(transfer) => {
            let own = match base.work.transfer() {
                Some(shared) if shared.files == transfer.files => None,
                _ => Some(payload::prepare(cx, transfer).await?),
            };
            let transfer_files = (transfer, own.as_ref().unwrap_or(originals));
            run_transfer(cx, place, transfer_files, &mut report).await?;
        }
        Work::Steps(list) => {
            let mut stage = Stage::default();
            let ran = steps::run(cx, place, list, &mut stage);
            let ran = tokio::time::timeout(scenario.timeout, ran).await;
            steps::engine::end_programs(&mut stage).await;
            match ran {
                Ok(reports) => report.steps = reports?,
                Err(_) => report.findings.push(late(scenario)),
            }
            report.files = stage.files;
        }
        Work::Stress(stress) => {
            let published = Published::read(stress).await?;
            stress::cell::run(cx, place, (stress, &published), &mut report).await?;
        }
        Work::Conversation(conversation) => {
            conversation::run(cx, place, conversation, &mut report).await?;
        }
    }
    if report.files.iter().all(|file| file.kept.is_none()) {
        cx.evidence.drop_received(place.evidence())?;
    }
    report.duration_s = start.elapsed().as_secs_f64();
    expectation::judge(&mut report, &scenario.expect);
    if report.outcome > Outcome::Skipped {
        report
            .findings
            .extend(limits::reached(cx, report.outcome).await);
    }
    Ok(report)
}

async fn run_transfer(
    cx: &RunContext<'_>,
    place: CellPlace<'_>,
    transfer_files: (&Transfer, &Originals),
    report: &mut CellReport,
) -> Result<(), ScenarioError> {
    let mut running: Vec<ProcessHandle> = Vec::new();
    let ran = cell::run(cx, place, transfer_files, (report, &mut running));
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

/// Explains why this version cannot run the scenario.
fn not_yet(scenario: &Scenario) -> Option<String> {
    (!scenario.faults.is_empty()).then(|| "faults are carried out by a later version".to_owned())
}

fn empty(cell: &Cell) -> CellReport {
    CellReport {
        number: cell.number,
        params: cell.params.clone(),
        ..CellReport::default()
    }
}

fn skipped(cell: &Cell, reason: &str) -> CellReport {
    CellReport {
        outcome: Outcome::Skipped,
        findings: vec![finding(Outcome::Skipped, reason.to_owned())],
        ..empty(cell)
    }
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
