//! Compares received files with the originals and explains what is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use futures_util::future::try_join_all;
use protocol::name::FileName;
use protocol::task::{Framing, TaskRecord, TaskResult};

use crate::report::model::{FileOutcome, FileReport};
use crate::scenario::context::{CellPlace, RunContext, ScenarioError};
use crate::scenario::received::{Destination, fetch_folder, judge, settle};
use crate::topology::model::Transfer;
use crate::verify::files::Delivery;
use crate::verify::nameless::{self, Nameless, Stored};

use super::paths::Paths;
use super::payload::Payload;
use super::receivers::stored_name;

/// Fetches what every receiver stored and compares it with what was sent to it.
///
/// # Errors
/// If a file cannot be read, there or here.
pub async fn compare(
    cx: &RunContext<'_>,
    place: CellPlace<'_>,
    (transfer, paths, payloads): (&Transfer, &Paths, &[Payload]),
    tasks: &[TaskRecord],
) -> Result<Vec<FileReport>, ScenarioError> {
    let expected = |receiver| -> BTreeMap<FileName, PathBuf> {
        let payloads = payloads.iter().enumerate();
        payloads
            .filter(|(number, _)| paths.leads(*number, receiver))
            .map(|(_, payload)| (payload.name.clone(), payload.original.clone()))
            .collect()
    };
    let fetching = paths
        .to
        .iter()
        .enumerate()
        .map(|(receiver, end)| async move {
            let due = Destination {
                node: end.node.clone(),
                folder: place.folder("received"),
            };
            fetch_folder(cx, place, &due, &expected(receiver)).await
        });
    let (folders, fetched): (Vec<_>, Vec<_>) = try_join_all(fetching).await?.into_iter().unzip();
    let fetched = fetched.concat();
    let received = paths.to.iter().zip(folders).enumerate();
    let Some(buffer) = buffer(transfer) else {
        let deliveries = received.map(|(receiver, (end, folder))| Delivery {
            node: end.node.clone(),
            expected: expected(receiver),
            folder,
        });
        return judge(cx, deliveries.collect(), &fetched).await;
    };
    let mut nameless = Vec::new();
    for (receiver, (end, folder)) in received {
        let stored = match transfer.sending.framing {
            Framing::Byte => stored_name(receiver).parse().map(Stored::Appended),
            Framing::Datagram | Framing::Reliable => Ok(Stored::Numbered(buffer)),
        };
        nameless.push(Nameless {
            node: end.node.clone(),
            expected: expected(receiver),
            folder,
            stored: stored.map_err(|error| ScenarioError::Verifier(error.to_string()))?,
        });
    }
    let tasks = tasks.to_vec();
    let folders = nameless
        .iter()
        .map(|sent| (sent.node.to_string(), sent.folder.clone()))
        .collect();
    let compared = tokio::task::spawn_blocking(move || {
        let reports = nameless.iter().map(nameless::verify);
        reports.collect::<Result<Vec<_>, _>>()
    });
    let compared = compared.await;
    let reports = compared.map_err(|panic| ScenarioError::Verifier(panic.to_string()))??;
    let reports = reports
        .into_iter()
        .flatten()
        .map(|report| explained(report, &tasks));
    settle(cx, reports.collect(), &folders, &fetched).await
}

/// Returns the size of a receiver's buffer; none where it takes whatever comes.
fn buffer(transfer: &Transfer) -> Option<u64> {
    let own = transfer.sending.buffer.map(|size| size.0);
    let usual = transfer.sending.framing.buffer();
    usual.map(|usual| own.unwrap_or(usual))
}

/// Says of a file that is not there what became of it.
fn explained(mut report: FileReport, tasks: &[TaskRecord]) -> FileReport {
    if report.outcome != FileOutcome::Missing || report.note.is_some() {
        return report;
    }
    let task = tasks.iter().find(|task| task.file.as_str() == report.name);
    report.note = match task.map(|task| (&task.result, task.datagrams)) {
        None => Some("it was never sent".to_owned()),
        Some((TaskResult::Failed { reason }, _)) => Some(reason.clone()),
        Some((_, 0)) => Some("nothing of it was sent".to_owned()),
        Some(_) => Some("it was lost on the way".to_owned()),
    };
    report
}

/// Bytes of the files that are whole at each node where they were due, each counted once.
pub fn whole(reports: &[FileReport]) -> u64 {
    let bad = reports
        .iter()
        .filter(|file| file.outcome != FileOutcome::Equal);
    let bad: BTreeSet<&str> = bad.map(|file| file.name.as_str()).collect();
    let good = reports
        .iter()
        .filter(|file| !bad.contains(file.name.as_str()));
    let good: BTreeMap<&str, u64> = good.map(|file| (file.name.as_str(), file.bytes)).collect();
    good.values().sum()
}
