//! The sender's role and what it tells of its tasks.

use std::collections::BTreeMap;

use protocol::control::Exit;
use protocol::role::{RoleEvent, Summary};
use protocol::task::{RunRecord, TaskRecord, TaskResult};

use crate::control::process::ProcessHandle;
use crate::report::event::RunEvent;
use crate::report::model::{Finding, Outcome};
use crate::scenario::context::{CellPlace, RunContext, ScenarioError};
use crate::scenario::role::{Role, RoleStep, ended};
use crate::topology::model::Transfer;

use super::paths::Paths;
use super::payload::Payload;

/// The results of a sender.
#[derive(Debug, Default)]
pub struct Sent {
    /// Each file's task, in the order of their ends.
    pub tasks: Vec<TaskRecord>,
    /// Their results in total.
    pub run: Option<RunRecord>,
    /// The summary of its one session.
    pub summary: Option<Summary>,
    /// The failures.
    pub findings: Vec<Finding>,
}

/// Sends the files and waits for the sender's end.
///
/// # Errors
/// If the node cannot do its part; files that were not sent are findings.
pub async fn send(
    cx: &RunContext<'_>,
    place: CellPlace<'_>,
    (transfer, paths, payloads): (&Transfer, &Paths, &[Payload]),
    running: &mut Vec<ProcessHandle>,
) -> Result<Sent, ScenarioError> {
    let mut sent = Sent::default();
    if payloads.is_empty() {
        return Ok(sent);
    }
    let mut arguments = if transfer.is_one_session(paths.broadcast.is_some()) {
        one_session(place, transfer, paths, payloads)
    } else {
        tasks(transfer, paths, payloads)
    };
    arguments.extend(["--seed".to_owned(), place.seed(cx, &transfer.from)]);
    let role = cx.role(&transfer.from, arguments).await?;
    running.push(role.handle());
    watch(cx, transfer, role, &mut sent).await?;
    Ok(sent)
}

/// Each file as a task.
fn tasks(transfer: &Transfer, paths: &Paths, payloads: &[Payload]) -> Vec<String> {
    let sending = &transfer.sending;
    let mut words = vec!["send".to_owned()];
    let mut add = |flag: &str, value: String| words.extend([flag.to_owned(), value]);
    add("--model", sending.model.unwrap_or_default().to_string());
    add("--framing", sending.framing.to_string());
    add("--processes", sending.processes.to_string());
    add("--workers", sending.workers.to_string());
    add("--deadline", format!("{}ms", sending.deadline.as_millis()));
    add("--pause", format!("{}ms", sending.pause.as_millis()));
    if let Some(crossing) = &paths.broadcast {
        add("--interface", crossing.from.to_string());
        add("--receivers", addresses(paths));
    }
    for (number, payload) in payloads.iter().enumerate() {
        if let Some(target) = paths.target(number) {
            add(
                "--task",
                format!("{}={target}:{}", payload.path, transfer.port),
            );
        }
    }
    words
}

/// All files in one session, until each receiver has proved its copies.
fn one_session(
    place: CellPlace<'_>,
    transfer: &Transfer,
    paths: &Paths,
    payloads: &[Payload],
) -> Vec<String> {
    let mut words = vec!["broadcast-send".to_owned()];
    let mut add = |flag: &str, value: String| words.extend([flag.to_owned(), value]);
    add("--port", transfer.port.to_string());
    add("--deadline", format!("{}s", place.seconds()));
    if let Some(crossing) = &paths.broadcast {
        add("--interface", crossing.from.to_string());
        add("--to", crossing.address.to_string());
    }
    add("--receivers", addresses(paths));
    for payload in payloads {
        add("--file", payload.path.clone());
    }
    words
}

fn addresses(paths: &Paths) -> String {
    let addresses: Vec<_> = paths.to.iter().map(|end| end.address.to_string()).collect();
    addresses.join(",")
}

async fn watch(
    cx: &RunContext<'_>,
    transfer: &Transfer,
    mut sender: Role,
    sent: &mut Sent,
) -> Result<(), ScenarioError> {
    let node = transfer.from.to_string();
    let failed = |text: String| Finding {
        outcome: Outcome::Failed,
        node: Some(node.clone()),
        text,
    };
    loop {
        match sender.next().await? {
            RoleStep::Event(RoleEvent::Progress { bytes, total }) => {
                let node = node.clone();
                cx.tell(&RunEvent::Progress { node, bytes, total });
            }
            RoleStep::Event(RoleEvent::Task(task)) => {
                let file = &task.file;
                match &task.result {
                    TaskResult::Done => {}
                    TaskResult::Failed { reason } => {
                        sent.findings
                            .push(failed(format!("{file} was not sent: {reason}")));
                    }
                    TaskResult::Late => {
                        let limit = transfer.sending.deadline;
                        let text = format!("{file} was not done within its {limit:?}");
                        sent.findings.push(failed(text));
                    }
                }
                sent.tasks.push(task);
            }
            RoleStep::Event(RoleEvent::Ran(run)) => sent.run = Some(run),
            RoleStep::Event(RoleEvent::Finished(summary)) => {
                sent.summary = Some(summary);
            }
            RoleStep::Event(RoleEvent::Lost { receiver, reason }) => {
                let text = format!("the sender gave up on {receiver}: {reason}");
                sent.findings.push(failed(text));
            }
            RoleStep::Event(RoleEvent::Failed { reason }) => sent.findings.push(failed(reason)),
            RoleStep::Event(_) => {}
            RoleStep::Ended(Exit::Code(0), _) => return Ok(()),
            RoleStep::Ended(exit, complaints) => {
                let text = format!("the sender {}", ended(exit, &complaints));
                sent.findings.push(failed(text));
                return Ok(());
            }
        }
    }
}

/// Returns a sender's counts, by name and unit; `whole` are the bytes of the files that every receiver has
/// whole, each counted once.
pub fn metrics(sent: &Sent, whole: u64, reliable: bool) -> BTreeMap<String, f64> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts far below 2^52, shown to three digits"
    )]
    let number = |count: u64| count as f64;
    let tasks = || sent.tasks.iter();
    let (seconds, bytes, datagrams) = match (&sent.run, &sent.summary) {
        (Some(run), _) => (
            run.seconds,
            tasks().map(|task| task.bytes).sum(),
            tasks().map(|task| task.datagrams).sum(),
        ),
        (None, Some(summary)) => (summary.seconds, summary.bytes, summary.datagrams),
        (None, None) => return BTreeMap::new(),
    };
    let mut metrics = BTreeMap::from([
        ("transfer_s".to_owned(), seconds),
        ("bytes".to_owned(), number(bytes)),
        ("datagrams".to_owned(), number(datagrams)),
    ]);
    if reliable {
        let of_tasks = tasks().map(|task| task.repeated).sum();
        let repeated = sent
            .summary
            .as_ref()
            .map_or(of_tasks, |summary| summary.repeated);
        metrics.insert("repeated".to_owned(), number(repeated));
    }
    if seconds > 0.0 {
        metrics.insert("goodput_bytes_per_s".to_owned(), number(whole) / seconds);
    }
    metrics
}
