//! One cell of a transfer, from the download to the comparison.

use protocol::task::{Model, TaskRecord, TaskResult};

use crate::control::process::ProcessHandle;
use crate::report::model::{CellReport, Outcome, TaskReport, WorkReport};
use crate::scenario::context::{CellPlace, RunContext, ScenarioError};
use crate::topology::model::{Framing, Sending, Transfer};

use super::comparison::{self, compare};
use super::originals::Originals;
use super::paths::Paths;
use super::payload;
use super::receivers::Receivers;
use super::sender::{self, Sent};

/// Carries out one cell.
///
/// # Errors
/// If a node cannot do its part; files that are wrong are findings.
pub async fn run(
    cx: &RunContext<'_>,
    place: CellPlace<'_>,
    (transfer, originals): (&Transfer, &Originals),
    (cell, running): (&mut CellReport, &mut Vec<ProcessHandle>),
) -> Result<(), ScenarioError> {
    let Some(paths) = Paths::of(cx.lab.plan(), &place.scenario.work)? else {
        return Ok(());
    };
    let loaded = payload::load(cx, place, transfer, running).await?;
    if !loaded.findings.is_empty() {
        // What is not there cannot be sent.
        cell.findings.extend(loaded.findings);
        cell.files = loaded.files;
        return Ok(());
    }
    let receivers = Receivers::start(cx, place, transfer, &paths).await?;
    running.extend(receivers.handles());
    let transfer_files = (transfer, &paths, &loaded.payloads[..]);
    let sent = sender::send(cx, place, transfer_files, running).await?;
    let counts: Vec<u64> = (0..paths.to.len())
        .map(|receiver| datagrams(&sent.tasks, &paths, receiver))
        .collect();
    let failed = sent.findings.first().map(|finding| &finding.text[..]);
    for received in receivers.finish(&counts, failed).await? {
        cell.findings.extend(received.findings);
    }
    // Before the comparison, so that no file is blamed for its original; and after it.
    originals.unchanged().await?;
    let received = compare(cx, place, transfer_files, &sent.tasks).await?;
    originals.unchanged().await?;
    let reliable = transfer.sending.framing == Framing::Reliable;
    cell.metrics = sender::metrics(&sent, comparison::whole(&received), reliable);
    if let Some(seconds) = loaded.download_s {
        cell.metrics.insert("download_s".to_owned(), seconds);
    }
    let model = transfer.sending.model.as_ref();
    let published = model.and_then(|model| transfer.sending.published.get(model));
    if let Some(published) = published.map(std::time::Duration::as_secs_f64) {
        cell.metrics.insert("published_s".to_owned(), published);
        if let Some(seconds) = cell.metrics.get("transfer_s") {
            let ratio = 100.0 * seconds / published;
            cell.metrics.insert("ratio_percent".to_owned(), ratio);
        }
    }
    cell.files = loaded.files;
    cell.files.extend(received);
    cell.work = work(&sent, &transfer.sending);
    cell.findings.extend(sent.findings);
    running.clear();
    Ok(())
}

/// Returns the number of datagrams that went to a receiver.
fn datagrams(tasks: &[TaskRecord], paths: &Paths, receiver: usize) -> u64 {
    let address = paths.to.get(receiver).map(|end| end.address.to_string());
    let is_its = |task: &&TaskRecord| {
        let to = task.to.rsplit_once(':').map(|(address, _)| address);
        paths.broadcast.is_some() || to == address.as_deref()
    };
    tasks.iter().filter(is_its).map(|task| task.datagrams).sum()
}

fn work(sent: &Sent, sending: &Sending) -> Option<WorkReport> {
    let run = sent.run.as_ref()?;
    let mut tasks: Vec<&TaskRecord> = sent.tasks.iter().collect();
    tasks.sort_by(|a, b| a.started.total_cmp(&b.started));
    Some(WorkReport {
        model: run.model.to_string(),
        framing: sending.framing.to_string(),
        started: time(run.started),
        ended: time(run.ended),
        seconds: run.seconds,
        processes: run.census.processes,
        threads: run.census.threads,
        tasks: run.census.tasks,
        pool: match run.model {
            Model::SingleThread | Model::MultiThread => None,
            Model::MultiThreadAsync => Some(sending.workers),
            Model::MultiProcess | Model::MultiProcessAsync => Some(sending.processes),
        },
        deadline_s: sending.deadline.as_secs_f64(),
        pause_s: sending.pause.as_secs_f64(),
        files: tasks.into_iter().map(task).collect(),
    })
}

fn task(task: &TaskRecord) -> TaskReport {
    let (outcome, reason) = match &task.result {
        TaskResult::Done => (Outcome::Passed, None),
        TaskResult::Failed { reason } => (Outcome::Failed, Some(reason.clone())),
        TaskResult::Late => (Outcome::Failed, Some("late".to_owned())),
    };
    TaskReport {
        file: task.file.to_string(),
        to: task.to.clone(),
        worker: task.worker.clone(),
        started: time(task.started),
        seconds: task.seconds,
        bytes: task.bytes,
        datagrams: task.datagrams,
        outcome,
        reason,
    }
}

/// A node's stamp as RFC 3339 in UTC, to the microsecond.
fn time(stamp: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float out of range becomes the nearest integer, which is no time then"
    )]
    let microseconds = (stamp * 1e6) as i64;
    let time = jiff::Timestamp::from_microsecond(microseconds);
    time.map_or_else(|_| "unknown".to_owned(), |time| time.to_string())
}
