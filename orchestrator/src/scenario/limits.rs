//! The limits that nodes have reached, for a reader who asks why a cell failed.

use std::time::Duration;

use futures_util::future::join_all;
use protocol::limits::{Limits, Reached};
use protocol::unit::ByteSize;

use crate::plan::PlannedNode;
use crate::report::model::{Finding, Outcome};

use super::context::RunContext;

/// Asks all nodes which limits they have reached since they were made. A node that does not answer is left out.
pub async fn reached(cx: &RunContext<'_>, outcome: Outcome) -> Vec<Finding> {
    let nodes = cx.lab.plan().nodes.iter();
    let asked = nodes.map(|node| async {
        let status = cx.lab.node(&node.name)?.status();
        let status = tokio::time::timeout(ANSWER, status).await.ok()?.ok()?;
        Some(sentences(node, status.reached))
    });
    let said = join_all(asked).await.into_iter().flatten().flatten();
    said.map(|(node, text)| Finding {
        outcome,
        node: Some(node),
        text,
    })
    .collect()
}

fn sentences(node: &PlannedNode, reached: Reached) -> Vec<(String, String)> {
    let limits: Limits = node.limits.or_usual();
    let size = |bytes: Option<u64>| ByteSize(bytes.unwrap_or_default());
    let mut said = Vec::new();
    if reached.killed_for_memory > 0 {
        said.push(format!(
            "it reached its limit of {} memory, and the kernel ended {} of its processes; `memory` raises it",
            size(limits.memory),
            reached.killed_for_memory
        ));
    }
    if reached.refused_pids > 0 {
        said.push(format!(
            "it reached its limit of {} processes, and {} were refused; `pids` raises it",
            limits.pids.unwrap_or_default(),
            reached.refused_pids
        ));
    }
    if reached.disk_full {
        said.push(format!(
            "its disk of {} is full; `disk` gives it a larger one",
            size(limits.disk)
        ));
    }
    let node = node.name.to_string();
    said.into_iter().map(|text| (node.clone(), text)).collect()
}

/// The longest time in which a node that works says it.
const ANSWER: Duration = Duration::from_secs(2);
