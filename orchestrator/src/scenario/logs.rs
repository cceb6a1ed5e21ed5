//! Copies the output of the nodes' own commands into the run directory.

use futures_util::future::join_all;
use protocol::control::{CommandState, Exit};
use protocol::name::NodeName;

use super::context::{RunContext, ScenarioError};
use super::fetching::keep;
use super::steps::expect::ending;

/// Fetches the log of every node that has a command of its own. Returns, in words, which could not be
/// had, and which commands had failed by then: neither makes a verdict, but it is said.
pub async fn keep_logs(cx: &RunContext<'_>) -> Vec<String> {
    let commanded = cx.topology.nodes.iter().filter(|n| !n.command.is_empty());
    let kept = commanded.map(|node| async {
        let kept = keep_log(cx, &node.name).await;
        let lost = |error| format!("the log of {} was not kept: {error}", node.name);
        [kept.err().map(lost), ended_badly(cx, &node.name).await]
    });
    join_all(kept)
        .await
        .into_iter()
        .flatten()
        .flatten()
        .collect()
}

/// A node that does not answer is told of by whoever needs it.
async fn ended_badly(cx: &RunContext<'_>, node: &NodeName) -> Option<String> {
    let status = cx.node(node).ok()?.status().await.ok()?;
    match status.command? {
        CommandState::Ended(Exit::Code(0)) | CommandState::Running { .. } => None,
        CommandState::Ended(exit) => Some(format!(
            "the command of {node} failed: {}; its log tells more",
            ending(exit)
        )),
    }
}

async fn keep_log(cx: &RunContext<'_>, node: &NodeName) -> Result<(), ScenarioError> {
    let log = cx.node(node)?.logs(false).await?;
    keep(log, &cx.evidence.log(node.as_str())?, LONGEST).await?;
    Ok(())
}

/// An agent keeps a mebibyte of a log; whatever one sends, no more than this is written.
const LONGEST: u64 = 2 << 20;
