//! The files of a transfer: put into the sender, or downloaded by it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use futures_util::future::try_join_all;
use protocol::control::Exit;
use protocol::name::{FileName, NodeName};
use protocol::role::RoleEvent;
use protocol::task::DownloadRecord;

use crate::control::process::ProcessHandle;
use crate::lab::raised::put_file;
use crate::report::model::{FileReport, Finding, Outcome};
use crate::scenario::context::{CellPlace, RunContext, ScenarioError, base_name};
use crate::scenario::fetching::{fetch_copy, fetch_original};
use crate::scenario::received::judge;
use crate::scenario::role::{RoleStep, ended};
use crate::topology::model::{Download, Files, Source, Transfer};
use crate::verify::files::Delivery;

use super::originals::Originals;
use super::web_server;

/// A file that the sender has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// Its name.
    pub name: FileName,
    /// Where the sender has it.
    pub path: String,
    /// The same file on this machine.
    pub original: PathBuf,
}

/// The files that the sender has, or the reasons why it lacks some.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The files in their order.
    pub payloads: Vec<Payload>,
    /// The time that downloading them took, in seconds; none where they were there.
    pub download_s: Option<f64>,
    /// Downloads compared with what their origin serves.
    pub files: Vec<FileReport>,
    /// Why a download failed.
    pub findings: Vec<Finding>,
}

/// Puts files into the nodes that have them before it begins: the sender, or origins. Returns what
/// they were like before.
///
/// # Errors
/// If a file is gone, or there is no room.
pub async fn prepare(cx: &RunContext<'_>, transfer: &Transfer) -> Result<Originals, ScenarioError> {
    let put = |node: NodeName, file: PathBuf, to: String| async move {
        put_file(cx.node(&node)?, &file, &to).await?;
        Ok::<_, ScenarioError>(())
    };
    match &transfer.files {
        Files::Here(files) => {
            let originals = Originals::note(files).await?;
            let puts = files
                .iter()
                .map(|file| put(transfer.from.clone(), file.clone(), at_sender(file)));
            try_join_all(puts).await?;
            Ok(originals)
        }
        Files::Downloaded(downloads) => {
            let served: BTreeSet<_> = downloads.iter().filter_map(served).collect();
            let originals = Originals::note(served.iter().map(|(_, file)| file)).await?;
            let puts = served.into_iter().map(|(node, file)| {
                let to = format!("{SERVED}/{}", base_name(&file));
                put(node, file, to)
            });
            try_join_all(puts).await?;
            Ok(originals)
        }
    }
}

/// Has the sender get what it does not have yet.
///
/// # Errors
/// If a node cannot do its part; a download that fails is a finding.
pub async fn load(
    cx: &RunContext<'_>,
    place: CellPlace<'_>,
    transfer: &Transfer,
    running: &mut Vec<ProcessHandle>,
) -> Result<Loaded, ScenarioError> {
    match &transfer.files {
        Files::Here(files) => {
            let payload = |file: &PathBuf| {
                Some(Payload {
                    name: base_name(file).parse().ok()?,
                    path: at_sender(file),
                    original: file.clone(),
                })
            };
            Ok(Loaded {
                payloads: files.iter().filter_map(payload).collect(),
                ..Loaded::default()
            })
        }
        Files::Downloaded(downloads) => {
            let origins: BTreeSet<_> = downloads.iter().filter_map(served).collect();
            let origins: BTreeSet<_> = origins.into_iter().map(|(node, _)| node).collect();
            let mut serving = Vec::new();
            for node in origins {
                let role = web_server::serve(cx, &node, SERVED).await?;
                running.push(role.handle());
                serving.push(role);
            }
            let loaded = match web_server::await_own(cx, place, downloads).await {
                Ok(None) => download(cx, place, transfer, (downloads, running)).await,
                Ok(Some(finding)) => Ok(Loaded {
                    findings: vec![finding],
                    ..Loaded::default()
                }),
                Err(error) => Err(error),
            };
            for role in serving {
                role.end().await?;
            }
            loaded
        }
    }
}

async fn download(
    cx: &RunContext<'_>,
    place: CellPlace<'_>,
    transfer: &Transfer,
    (downloads, running): (&[Download], &mut Vec<ProcessHandle>),
) -> Result<Loaded, ScenarioError> {
    let folder = place.folder("downloaded");
    let mut arguments = vec![
        "download".to_owned(),
        "--directory".to_owned(),
        folder.clone(),
    ];
    arguments.extend(["--seconds".to_owned(), place.seconds().to_string()]);
    for download in downloads {
        arguments.extend([
            "--file".to_owned(),
            format!("{}={}", download.key, url(download)),
        ]);
        if let Source::Url {
            downgrade: true, ..
        } = download.source
        {
            arguments.extend(["--downgrade".to_owned(), download.key.to_string()]);
        }
    }
    let mut role = cx.role(&transfer.from, arguments).await?;
    running.push(role.handle());
    let mut records = BTreeMap::new();
    let mut loaded = Loaded::default();
    let mut finding = |text| loaded.findings.push(failed(transfer, text));
    loop {
        match role.next().await? {
            RoleStep::Event(RoleEvent::Downloaded(record)) => {
                records.insert(record.key.clone(), record);
            }
            RoleStep::Event(RoleEvent::Failed { reason }) => {
                finding(format!("the download failed: {reason}"));
            }
            RoleStep::Event(_) => {}
            RoleStep::Ended(Exit::Code(0 | 1), complaints) if complaints.is_empty() => break,
            RoleStep::Ended(exit, complaints) => {
                finding(format!("the download {}", ended(exit, &complaints)));
                break;
            }
        }
    }
    loaded.download_s = Some(records.values().map(|record| record.seconds).sum());
    take_over(cx, place, transfer, (downloads, &records), &mut loaded).await?;
    Ok(loaded)
}

/// Brings the downloaded files here: what a node served is compared with what it served, and what
/// came from elsewhere is itself what receivers' copies must equal.
async fn take_over(
    cx: &RunContext<'_>,
    place: CellPlace<'_>,
    transfer: &Transfer,
    (downloads, records): (&[Download], &BTreeMap<String, DownloadRecord>),
    loaded: &mut Loaded,
) -> Result<(), ScenarioError> {
    let sender = cx.node(&transfer.from)?;
    let folder = place.folder("downloaded");
    let compared = cx
        .evidence
        .received(place.evidence(), transfer.from.as_str())?;
    let mut expected = BTreeMap::new();
    let mut copies = Vec::new();
    for download in downloads {
        let Some(record) = records.get(download.key.as_str()) else {
            continue;
        };
        let path = format!("{folder}/{}", record.name);
        let original = match &download.source {
            Source::Origin { file, .. } => {
                let here = compared.join(record.name.as_str());
                copies.extend(fetch_copy(sender, &path, &here, file).await?);
                expected.insert(record.name.clone(), file.clone());
                file.clone()
            }
            Source::Url { .. } => {
                let kept = cx.evidence.received(place.evidence(), DOWNLOADS)?;
                let kept = kept.join(record.name.as_str());
                match fetch_original(sender, &path, &kept).await {
                    Err(error @ ScenarioError::TooLong { .. }) => {
                        loaded.findings.push(failed(transfer, error.to_string()));
                        continue;
                    }
                    fetched => fetched?,
                }
                kept
            }
        };
        loaded.payloads.push(Payload {
            name: record.name.clone(),
            path,
            original,
        });
    }
    let due = Delivery {
        node: transfer.from.clone(),
        expected,
        folder: compared,
    };
    loaded.files = judge(cx, vec![due], &copies).await?;
    Ok(())
}

fn failed(transfer: &Transfer, text: String) -> Finding {
    Finding {
        outcome: Outcome::Failed,
        node: Some(transfer.from.to_string()),
        text,
    }
}

fn url(download: &Download) -> String {
    match &download.source {
        Source::Origin { node, file } => format!("http://{node}/{}", base_name(file)),
        Source::Url { url, .. } => url.clone(),
    }
}

fn served(download: &Download) -> Option<(NodeName, PathBuf)> {
    match &download.source {
        Source::Origin { node, file } => Some((node.clone(), file.clone())),
        Source::Url { .. } => None,
    }
}

/// Where the sender has a file of this machine.
fn at_sender(file: &std::path::Path) -> String {
    format!("/root/{}", base_name(file))
}

/// Where an origin has what it serves.
const SERVED: &str = "/root/served";

/// The folder for files that came from outside of the lab; no node can have this name.
const DOWNLOADS: &str = "_downloads";
