//! Files out of nodes, and their comparison with what was sent.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use futures_util::future::try_join_all;
use protocol::name::{FileName, NodeName};
use tokio::io::AsyncWriteExt;

use crate::control::Download;
use crate::evidence::EvidenceError;
use crate::report::event::RunEvent;
use crate::report::model::{FileOutcome, FileReport};
use crate::verify::files::{Delivery, verify};

use super::context::{CellPlace, RunContext, ScenarioError};
use super::folder;

/// A folder of a node in which files are due.
#[derive(Debug, Clone)]
pub struct Destination {
    /// The node.
    pub node: NodeName,
    /// Absolute path in the node.
    pub folder: String,
}

/// Fetches everything out of folders of nodes and compares it with what is due there: each file
/// that is due, and each that nobody sent.
///
/// # Errors
/// If a folder or a file cannot be read, here or there. A missing folder holds no files.
pub async fn verify_folders(
    cx: &RunContext<'_>,
    place: CellPlace<'_>,
    due: Vec<Destination>,
    expected: &BTreeMap<FileName, PathBuf>,
) -> Result<Vec<FileReport>, ScenarioError> {
    let fetched = due.iter().map(|due| async {
        let here = fetch_folder(cx, place, due).await?;
        let (node, expected) = (due.node.clone(), expected.clone());
        Ok::<_, ScenarioError>(Delivery {
            node,
            expected,
            folder: here,
        })
    });
    let deliveries = try_join_all(fetched).await?;
    judge(cx, deliveries).await
}

/// Fetches every file in a node's folder; says where they are here. A missing folder holds none.
///
/// # Errors
/// If the folder or a file cannot be read there, or written here.
pub async fn fetch_folder(
    cx: &RunContext<'_>,
    place: CellPlace<'_>,
    due: &Destination,
) -> Result<PathBuf, ScenarioError> {
    let here = cx.evidence.received(place.evidence(), due.node.as_str())?;
    let control = cx.node(&due.node)?;
    let entries = folder::entries(cx, (&due.node, &due.folder)).await?;
    for entry in entries.iter().filter(|entry| !entry.folder) {
        let download = control
            .get(&format!("{}/{}", due.folder, entry.name))
            .await?;
        fetch(download, &here.join(&entry.name)).await?;
    }
    Ok(here)
}

/// Compares what was fetched, tells the observer, and removes copies that are equal unless all are
/// kept.
///
/// # Errors
/// If a file cannot be read or removed here.
pub async fn judge(
    cx: &RunContext<'_>,
    deliveries: Vec<Delivery>,
) -> Result<Vec<FileReport>, ScenarioError> {
    let folders = deliveries
        .iter()
        .map(|delivery| (delivery.node.to_string(), delivery.folder.clone()))
        .collect();
    let compared = tokio::task::spawn_blocking(move || verify(&deliveries)).await;
    let reports = compared.map_err(|panic| ScenarioError::Verifier(panic.to_string()))??;
    settle(cx, reports, &folders).await
}

/// Tells the observer what was compared, and removes the copies that are equal, by node and folder
/// here, unless all are kept.
///
/// # Errors
/// If a file cannot be removed here.
pub async fn settle(
    cx: &RunContext<'_>,
    mut reports: Vec<FileReport>,
    folders: &BTreeMap<String, PathBuf>,
) -> Result<Vec<FileReport>, ScenarioError> {
    for report in &mut reports {
        let Some(folder) = folders.get(&report.node) else {
            continue;
        };
        let copy = folder.join(report.received_as.as_ref().unwrap_or(&report.name));
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

/// Writes a download to a file here.
///
/// # Errors
/// If it breaks off, or there is no room.
pub async fn fetch(mut download: Download, to: &Path) -> Result<(), ScenarioError> {
    let failed = |source| EvidenceError::at(to, source);
    let mut file = tokio::fs::File::create(to).await.map_err(failed)?;
    while let Some(bytes) = download.next().await? {
        file.write_all(&bytes).await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)?;
    Ok(())
}
