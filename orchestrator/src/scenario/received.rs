//! Received files out of nodes, and their comparison with what was sent.

use std::collections::BTreeMap;
use std::path::PathBuf;

use protocol::name::{FileName, NodeName};

use crate::evidence::EvidenceError;
use crate::report::event::RunEvent;
use crate::report::model::{FileOutcome, FileReport};
use crate::verify::files::{Delivery, verify};

use super::context::{CellPlace, RunContext, ScenarioError};
use super::fetching::{Fetched, Room, fetch};
use super::folder;

/// A folder of a node in which files are due.
#[derive(Debug, Clone)]
pub struct Destination {
    /// The node.
    pub node: NodeName,
    /// Absolute path in the node.
    pub folder: String,
}

/// Fetches every file in a node's folder, where these were sent, into a folder here. A missing folder holds
/// none.
///
/// # Errors
/// If the folder or a file cannot be read there, or written here.
pub async fn fetch_folder(
    cx: &RunContext<'_>,
    place: CellPlace<'_>,
    due: &Destination,
    sent: &BTreeMap<FileName, PathBuf>,
) -> Result<(PathBuf, Vec<Fetched>), ScenarioError> {
    let here = cx.evidence.received(place.evidence(), due.node.as_str())?;
    let control = cx.node(&due.node)?;
    let entries = folder::entries(cx, (&due.node, &due.folder)).await?;
    let mut room = Room::of(sent).await?;
    let mut all = Vec::new();
    for entry in entries.iter().filter(|entry| !entry.folder) {
        let (name, path) = (&entry.name, format!("{}/{}", due.folder, entry.name));
        let fetched = fetch(control, &path, &here.join(name), room.of_file(name)).await?;
        room.take(name, fetched.read);
        all.push(fetched);
    }
    Ok((here, all))
}

/// Compares what was fetched, tells the observer, and removes copies that are equal unless all are
/// kept.
///
/// # Errors
/// If a file cannot be read or removed here.
pub async fn judge(
    cx: &RunContext<'_>,
    deliveries: Vec<Delivery>,
    fetched: &[Fetched],
) -> Result<Vec<FileReport>, ScenarioError> {
    let folders = deliveries
        .iter()
        .map(|delivery| (delivery.node.to_string(), delivery.folder.clone()))
        .collect();
    let compared = tokio::task::spawn_blocking(move || verify(&deliveries)).await;
    let reports = compared.map_err(|panic| ScenarioError::Verifier(panic.to_string()))??;
    settle(cx, reports, &folders, fetched).await
}

/// Says of which copies there was more to read, tells the observer what was compared, and removes the
/// copies that are equal, by node and folder here, unless all are kept.
///
/// # Errors
/// If a file cannot be removed here.
pub async fn settle(
    cx: &RunContext<'_>,
    mut reports: Vec<FileReport>,
    folders: &BTreeMap<String, PathBuf>,
    fetched: &[Fetched],
) -> Result<Vec<FileReport>, ScenarioError> {
    for report in &mut reports {
        let Some(folder) = folders.get(&report.node) else {
            continue;
        };
        let copy = folder.join(report.received_as.as_ref().unwrap_or(&report.name));
        if let Some(longer) = fetched.iter().find(|f| f.goes_on && f.copy == copy) {
            report.goes_on_beyond(longer.read);
        }
        if report.outcome == FileOutcome::Equal && !cx.keep_received {
            let removed = tokio::fs::remove_file(&copy).await;
            removed.map_err(|source| EvidenceError::at(&copy, source))?;
        } else if report.outcome != FileOutcome::Missing {
            report.kept = Some(cx.evidence.relative(&copy));
        }
        cx.tell(&RunEvent::FileVerified(report.clone()));
    }
    for folder in folders.values() {
        // Only an empty one goes: what is kept stays.
        if let Err(error) = tokio::fs::remove_dir(folder).await {
            tracing::debug!(%error, folder = %folder.display(), "kept a folder of received files");
        }
    }
    Ok(reports)
}
