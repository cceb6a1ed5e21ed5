//! The clients on their node, and what they tell.

use std::net::SocketAddr;
use std::time::Duration;

use protocol::control::Exit;
use protocol::role::RoleEvent;
use protocol::stress::{ClientRecord, StressRecord};

use crate::report::event::RunEvent;
use crate::report::model::{Finding, Outcome};
use crate::scenario::context::{CellPlace, RunContext, ScenarioError};
use crate::scenario::role::{Role, RoleStep, ended};
use crate::topology::model::Stress;

use super::storage::{PREFIX, seed};

/// The results of clients.
#[derive(Debug, Default)]
pub struct ClientOutcome {
    /// Those that told of their end.
    pub records: Vec<ClientRecord>,
    /// Their results in total, if they were let end.
    pub all: Option<StressRecord>,
    /// The failures that concern all of them.
    pub findings: Vec<Finding>,
}

/// Has the clients do their work, and waits for their end, but not longer than the cell may take.
///
/// # Errors
/// If the node cannot do its part; clients that fail tell of it.
pub async fn work(
    cx: &RunContext<'_>,
    place: CellPlace<'_>,
    stress: &Stress,
    server: SocketAddr,
) -> Result<ClientOutcome, ScenarioError> {
    let limit = place.scenario.timeout;
    let words = words(cx, stress, server, limit);
    let mut role = cx.role(&stress.clients.node, words).await?;
    let mut worked = ClientOutcome::default();
    let watched = watch(cx, stress, &mut role, &mut worked);
    if let Ok(ended) = tokio::time::timeout(limit, watched).await {
        ended?;
    } else {
        role.end().await?;
        let text = format!("the clients did not end within {limit:?}");
        worked.findings.push(finding(stress, text));
    }
    Ok(worked)
}

fn words(cx: &RunContext<'_>, stress: &Stress, server: SocketAddr, limit: Duration) -> Vec<String> {
    // A client that hangs shall say so itself, before all are ended.
    let patience = limit.mul_f64(PATIENCE).max(Duration::from_millis(1));
    let flags = [
        ("--server", server.to_string()),
        ("--operation", stress.operation.to_string()),
        ("--size", stress.size.0.to_string()),
        ("--seed", seed(cx)),
        ("--prefix", PREFIX.to_owned()),
        ("--model", stress.clients.model.to_string()),
        ("--workers", stress.clients.workers.to_string()),
        ("--patience", format!("{}ms", patience.as_millis())),
    ];
    let flags = flags.into_iter();
    let flags = flags.flat_map(|(flag, value)| [flag.to_owned(), value]);
    std::iter::once("stress".to_owned()).chain(flags).collect()
}

async fn watch(
    cx: &RunContext<'_>,
    stress: &Stress,
    role: &mut Role,
    worked: &mut ClientOutcome,
) -> Result<(), ScenarioError> {
    let total = stress.size.0 * u64::from(stress.clients.workers);
    let (node, mut bytes) = (stress.clients.node.to_string(), 0);
    loop {
        match role.next().await? {
            RoleStep::Event(RoleEvent::Client(record)) => {
                bytes += record.bytes;
                worked.records.push(record);
                let node = node.clone();
                cx.tell(&RunEvent::Progress { node, bytes, total });
            }
            RoleStep::Event(RoleEvent::Stressed(record)) => worked.all = Some(record),
            RoleStep::Event(RoleEvent::Failed { reason }) => {
                worked.findings.push(finding(stress, reason));
            }
            RoleStep::Event(_) => {}
            RoleStep::Ended(Exit::Code(0), _) => return Ok(()),
            RoleStep::Ended(exit, complaints) => {
                if worked.findings.is_empty() {
                    let text = format!("the clients {}", ended(exit, &complaints));
                    worked.findings.push(finding(stress, text));
                }
                return Ok(());
            }
        }
    }
}

fn finding(stress: &Stress, text: String) -> Finding {
    Finding {
        outcome: Outcome::Failed,
        node: Some(stress.clients.node.to_string()),
        text,
    }
}

/// The share of a cell's time after which a client that makes no progress gives up.
const PATIENCE: f64 = 0.9;
