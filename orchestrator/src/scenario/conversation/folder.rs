//! The server's files: what lies there at the start, and what came to lie there.

use std::path::Path;

use protocol::name::{FileName, NodeName};

use crate::evidence::{EvidenceError, component};
use crate::lab::raised::put_file;
use crate::report::model::FileReport;
use crate::scenario::context::{CellPlace, RunContext, ScenarioError, base_name};
use crate::scenario::fetching::fetch_copy;
use crate::scenario::folder;
use crate::scenario::received::judge;
use crate::topology::model::{Conversation, Server};
use crate::verify::files::Delivery;

/// Makes the server's folder, with the files that lie there at the start and nothing else. The inner
/// error says in words why not.
///
/// # Errors
/// If the node cannot do its part.
pub async fn prepare(
    cx: &RunContext<'_>,
    conversation: &Conversation,
) -> Result<Result<(), String>, ScenarioError> {
    let server = &conversation.server;
    let left = names(cx, server).await?;
    if !left.is_empty() && !is_ours(cx, server).await? {
        let (folder, found) = (&server.directory, left.join(", "));
        return Ok(Err(format!(
            "the server's folder {folder} is not empty, it holds {found}: write another `directory`"
        )));
    }
    // What the cell before has left goes; where there is nothing, the folder is made.
    let role = if left.is_empty() { "fill" } else { "discard" };
    let words = std::iter::once("--".to_owned()).chain(left);
    let place = (&server.node, server.directory.as_str());
    if let (_, Err(reason)) = folder::work(cx, place, role, words).await? {
        return Ok(Err(format!("the server's folder is not ready: {reason}")));
    }
    claim(cx, server).await?;
    for file in &conversation.files {
        let to = format!("{}/{}", server.directory, base_name(file));
        put_file(cx.node(&server.node)?, file, &to).await?;
    }
    Ok(Ok(()))
}

/// Whether a folder was empty when a conversation first used it, so that what lies there now may go.
async fn is_ours(cx: &RunContext<'_>, server: &Server) -> Result<bool, ScenarioError> {
    match cx.node(&server.node)?.get(&claimed(server)).await {
        Ok(_) => Ok(true),
        Err(error) if error.is_absent() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Notes that a folder was empty. The note lives as long as the node.
async fn claim(cx: &RunContext<'_>, server: &Server) -> Result<(), ScenarioError> {
    let node = cx.node(&server.node)?;
    node.put(&claimed(server), 0o600, &b""[..]).await?;
    Ok(())
}

fn claimed(server: &Server) -> String {
    format!(
        "/root/conversation/claimed/{}",
        component(&server.directory)
    )
}

/// The names in the server's folder; none where there is no folder.
///
/// # Errors
/// If the folder cannot be read.
pub async fn names(cx: &RunContext<'_>, server: &Server) -> Result<Vec<String>, ScenarioError> {
    let place = (&server.node, server.directory.as_str());
    let entries = folder::entries(cx, place).await?.into_iter();
    Ok(entries.map(|entry| entry.name).collect())
}

/// A file in a node that must equal one here.
#[derive(Debug, Clone, Copy)]
pub struct Copied<'a> {
    /// The node.
    pub node: &'a NodeName,
    /// Where it lies there.
    pub path: &'a str,
    /// Its name in reports.
    pub name: &'a str,
    /// The file that it must equal.
    pub original: &'a Path,
}

/// Fetches a file and compares it; one that is not there is missing.
///
/// # Errors
/// If a file cannot be read or written here.
pub async fn compare(
    cx: &RunContext<'_>,
    place: CellPlace<'_>,
    number: u32,
    copied: Copied<'_>,
) -> Result<Vec<FileReport>, ScenarioError> {
    // A name that is no file's is told by its commands.
    let name = copied.name.parse().or_else(|_| CONTENT.parse::<FileName>());
    let Ok(name) = name else {
        return Ok(Vec::new());
    };
    let folder = cx
        .evidence
        .received(place.evidence(), copied.node.as_str())?;
    let folder = folder.join(component(&format!("{number}-{name}")));
    let made = tokio::fs::create_dir_all(&folder).await;
    made.map_err(|error| EvidenceError::at(&folder, error))?;
    let (node, here) = (cx.node(copied.node)?, folder.join(name.as_str()));
    let fetched = fetch_copy(node, copied.path, &here, copied.original).await?;
    let delivery = Delivery {
        node: copied.node.clone(),
        expected: [(name, copied.original.to_owned())].into(),
        folder,
    };
    judge(cx, vec![delivery], fetched.as_slice()).await
}

/// The name of a content that came under no file's name.
const CONTENT: &str = "content";
