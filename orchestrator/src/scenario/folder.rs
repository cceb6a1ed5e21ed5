//! A folder in a node: what lies there, and the node's own programs that make, hash and remove it.

use protocol::control::Entry;
use protocol::name::NodeName;
use protocol::role::RoleEvent;

use super::context::{RunContext, ScenarioError};

/// Lists the entries of a node's folder. A folder that does not exist holds nothing.
///
/// # Errors
/// If it cannot be read.
pub async fn entries(
    cx: &RunContext<'_>,
    (node, folder): (&NodeName, &str),
) -> Result<Vec<Entry>, ScenarioError> {
    match cx.node(node)?.list(folder).await {
        Err(error) if error.is_absent() => Ok(Vec::new()),
        listed => Ok(listed?),
    }
}

/// Runs `fill`, `digest` or `discard` in a node's folder, with these words. The inner error says in words
/// why it failed.
///
/// # Errors
/// If the node cannot do its part.
pub async fn work(
    cx: &RunContext<'_>,
    (node, folder): (&NodeName, &str),
    role: &str,
    words: impl IntoIterator<Item = String>,
) -> Result<(Vec<RoleEvent>, Result<(), String>), ScenarioError> {
    let first = [role, "--directory", folder].map(str::to_owned);
    let words = first.into_iter().chain(words).collect();
    Ok(cx.role(node, words).await?.events().await?)
}
