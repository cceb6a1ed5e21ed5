//! One cell, from the server's start to its end.

use std::collections::BTreeMap;

use crate::report::model::{CellReport, Finding, Outcome, StressReport};
use crate::scenario::context::{CellPlace, RunContext, ScenarioError};
use crate::scenario::serving::Serving;
use crate::topology::model::{Operation, ServerProgram, Stress};

use super::clients::work;
use super::judgement::{Evidence, judge, unserved};
use super::published::Published;
use super::storage::{discard, held, prepare};

/// Carries out one cell.
///
/// # Errors
/// If a node cannot do its part; clients that fail are findings.
pub async fn run(
    cx: &RunContext<'_>,
    place: CellPlace<'_>,
    (stress, published): (&Stress, &Published),
    cell: &mut CellReport,
) -> Result<(), ScenarioError> {
    let unserved = |finding: &Finding| {
        Some(StressReport {
            published: published.of(stress),
            ..unserved(stress, &finding.text)
        })
    };
    if let Err(text) = prepare(cx, stress).await? {
        let finding = wrong(stress, text);
        cell.stress = unserved(&finding);
        cell.findings.push(finding);
        return Ok(());
    }
    let is_built_in = matches!(stress.server.program, ServerProgram::BuiltIn { .. });
    let reports = is_built_in && stress.operation == Operation::Upload;
    let flags: &[&str] = if reports { &["--report"] } else { &[] };
    let pair = (&stress.server, &stress.clients.node);
    let serving = match Serving::start(cx, place, pair, flags).await? {
        Ok(serving) => serving,
        Err(finding) => {
            cell.stress = unserved(&finding);
            cell.findings.push(finding);
            return Ok(());
        }
    };
    let worked = work(cx, place, stress, serving.address()).await;
    // Whatever became of the clients, the server does not stay.
    let (served, findings) = serving.end(cx).await;
    let worked = worked?;
    cell.findings.extend(worked.findings);
    cell.findings.extend(findings);
    let workers = served.record.as_ref();
    let workers = workers.map(|record| (record.workers_ok, record.workers_failed));
    let held = match stress.operation {
        Operation::Download => BTreeMap::new(),
        Operation::Upload => {
            let ended = worked
                .records
                .iter()
                .filter(|record| record.failure.is_none());
            let names: Vec<_> = ended.map(|record| record.name.clone()).collect();
            held(cx, &stress.server, served, &names).await?
        }
    };
    if let Err(text) = discard(cx, stress).await? {
        cell.findings.push(wrong(stress, text));
    }
    let evidence = Evidence {
        records: worked.records,
        held,
        seconds: worked.all.as_ref().map_or(0.0, |all| all.seconds),
        buffer: worked.all.as_ref().map_or(0, |all| all.buffer),
    };
    let (figures, failures) = judge(stress, &evidence);
    cell.findings.extend(failures);
    cell.metrics = metrics(&figures);
    cell.stress = Some(StressReport {
        server_workers_ok: workers.map(|(ok, _)| ok),
        server_workers_failed: workers.map(|(_, failed)| failed),
        published: published.of(stress),
        ..figures
    });
    Ok(())
}

/// Returns the measurements, by name and unit.
fn metrics(figures: &StressReport) -> BTreeMap<String, f64> {
    let metrics = [
        ("client_s", figures.times.mean),
        ("client_p50_s", figures.times.p50),
        ("client_p90_s", figures.times.p90),
        ("client_p99_s", figures.times.p99),
        ("client_most_s", figures.times.most),
        ("client_bytes_per_s", figures.client_bytes_per_s),
        ("all_bytes_per_s", figures.all_bytes_per_s),
        ("clients_ok", f64::from(figures.clients_ok)),
        ("clients_failed", f64::from(figures.clients_failed)),
    ];
    metrics.map(|(name, value)| (name.to_owned(), value)).into()
}

fn wrong(stress: &Stress, text: String) -> Finding {
    Finding {
        outcome: Outcome::Failed,
        node: Some(stress.server.node.to_string()),
        text,
    }
}
