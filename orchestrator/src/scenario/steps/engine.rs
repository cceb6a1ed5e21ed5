//! The steps in their order, retries and deadlines.

use std::time::{Duration, Instant};

use crate::control::process::ProcessHandle;
use crate::report::event::RunEvent;
use crate::report::model::{Outcome, StepReport};
use crate::scenario::context::{CellPlace, RunContext, ScenarioError};
use crate::topology::model::Step;

use super::action::{ActionResult, Stage};

/// Carries out the steps until one is not as expected; those after it are skipped.
///
/// # Errors
/// If a step could not be carried out at all.
pub async fn run(
    cx: &RunContext<'_>,
    place: CellPlace<'_>,
    steps: &[Step],
    stage: &mut Stage,
) -> Result<Vec<StepReport>, ScenarioError> {
    let mut reports: Vec<StepReport> = Vec::with_capacity(steps.len());
    for step in steps {
        let broken = reports
            .iter()
            .any(|report| report.outcome != Outcome::Passed);
        let report = if broken {
            skipped(step)
        } else {
            carry_out(cx, place, step, stage).await?
        };
        let scenario = place.scenario.name.clone();
        cx.tell(&RunEvent::StepEnded {
            scenario,
            step: report.clone(),
        });
        reports.push(report);
    }
    Ok(reports)
}

/// Ends every program that still runs beside the steps.
pub async fn end_programs(stage: &mut Stage) {
    for (id, program) in std::mem::take(&mut stage.background) {
        kill(&id, program.handle()).await;
    }
}

async fn kill(name: &str, program: &ProcessHandle) {
    if let Err(error) = program.signal(SIGKILL).await {
        tracing::debug!(name, %error, "ended a program that had ended");
    }
}

async fn carry_out(
    cx: &RunContext<'_>,
    place: CellPlace<'_>,
    step: &Step,
    stage: &mut Stage,
) -> Result<StepReport, ScenarioError> {
    let start = Instant::now();
    let tried = tokio::time::timeout(step.within, try_until(cx, place, step, stage, start)).await;
    let held = if let Ok(tried) = tried {
        tried?
    } else {
        if let Some(program) = stage.foreground.take() {
            kill(&step.name, &program).await;
        }
        Err(format!("did not hold within {:?}", step.within))
    };
    Ok(StepReport {
        name: step.name.clone(),
        outcome: if held.is_ok() {
            Outcome::Passed
        } else {
            Outcome::Failed
        },
        duration_s: start.elapsed().as_secs_f64(),
        detail: held.err(),
        reply: None,
    })
}

/// Tries once, or again and again until it holds or the next try would come too late.
async fn try_until(
    cx: &RunContext<'_>,
    place: CellPlace<'_>,
    step: &Step,
    stage: &mut Stage,
    start: Instant,
) -> ActionResult {
    loop {
        let left = step.within.saturating_sub(start.elapsed());
        let tried = stage.try_action(cx, place, &step.action, left).await?;
        if tried.is_ok() || !step.retry || start.elapsed() + PAUSE >= step.within {
            return Ok(tried);
        }
        // Not a wait for something known: the pause keeps a program that is tried again and again
        // from taking a whole processor.
        tokio::time::sleep(PAUSE).await;
    }
}

fn skipped(step: &Step) -> StepReport {
    StepReport {
        name: step.name.clone(),
        outcome: Outcome::Skipped,
        duration_s: 0.0,
        detail: Some("an earlier step is not as expected".to_owned()),
        reply: None,
    }
}

const PAUSE: Duration = Duration::from_millis(50);

/// signal(7).
const SIGKILL: i32 = 9;
