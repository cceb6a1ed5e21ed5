//! What the nodes' own commands printed, into the run directory.

use futures_util::future::join_all;
use protocol::name::NodeName;

use super::context::{RunContext, ScenarioError};
use super::received::fetch;

/// Fetches the log of every node that has a command of its own. Returns, in words, which could not be
/// had: evidence that is missing makes no verdict, but it is said.
pub async fn keep_logs(cx: &RunContext<'_>) -> Vec<String> {
    let commanded = cx.topology.nodes.iter().filter(|n| !n.command.is_empty());
    let kept = commanded.map(|node| async {
        let kept = keep_log(cx, &node.name).await;
        let told = |error| format!("the log of {} was not kept: {error}", node.name);
        kept.err().map(told)
    });
    join_all(kept).await.into_iter().flatten().collect()
}

async fn keep_log(cx: &RunContext<'_>, node: &NodeName) -> Result<(), ScenarioError> {
    let log = cx.node(node)?.logs(false).await?;
    fetch(log, &cx.evidence.log(node.as_str())?).await
}
