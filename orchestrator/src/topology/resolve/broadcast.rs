//! Files from one node to many by UDP broadcast.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use protocol::name::{FileName, NodeName};

use super::scenarios::{Stage, filled};
use crate::topology::document::scenario::BroadcastEntry;
use crate::topology::document::word::{Filled, Port};
use crate::topology::model::{Attachment, Broadcast, Node, Work};

/// Reads a broadcast.
pub(super) fn read(
    stage: &Stage<'_>,
    entry: &BroadcastEntry,
    scenario: &Range<usize>,
) -> Option<Work> {
    let cx = stage.cx;
    if entry.from.is_absent() {
        cx.missing(scenario, "from");
    }
    let from = stage.names.node(cx, &entry.from);
    let mut to: Vec<NodeName> = Vec::new();
    filled(cx, &entry.to, scenario, "to");
    for word in &entry.to.value.0 {
        for node in stage.names.nodes(cx, word, stage.drafts) {
            if Some(&node) == from.as_ref() {
                let message = format!("{node} is the sender");
                cx.mistake(&word.span(), message, "write only receivers here");
            } else if to.contains(&node) {
                let message = format!("{node} is a receiver already");
                cx.mistake(&word.span(), message, "write each node once");
            } else {
                if let Some(from) = &from {
                    within_reach(stage, from, &node, &word.span());
                }
                to.push(node);
            }
        }
    }
    filled(cx, &entry.files, scenario, "files");
    let mut files = Vec::new();
    let mut names = BTreeSet::new();
    for word in &entry.files.value.0 {
        let Some(Filled(path)) = cx.get(word) else {
            continue;
        };
        let path = Path::new(&path);
        let name = path.file_name().and_then(|name| name.to_str());
        match name.and_then(|name| name.parse::<FileName>().ok()) {
            None => {
                let message = format!("{} does not name a file", path.display());
                cx.mistake(
                    &word.span(),
                    message,
                    "write a file's path: inputs/data.jpg",
                );
            }
            Some(name) if !names.insert(name.clone()) => {
                let message = format!("two files are called {name}");
                cx.mistake(
                    &word.span(),
                    message,
                    "receivers tell files by name: rename one",
                );
            }
            Some(_) => files.push(cx.input(path, &word.span())),
        }
    }
    Some(Work::Broadcast(Broadcast {
        from: from?,
        to,
        files,
        port: cx.get(&entry.port).map_or(PORT, |Port(port)| port),
        address: cx.get(&entry.address).unwrap_or_default(),
        model: cx.get(&entry.model).unwrap_or_default(),
    }))
}

/// Notes a receiver that no broadcast of the sender's can reach: routers do not forward them
/// (RFC 1812 §5.3.5.1).
fn within_reach(stage: &Stage<'_>, from: &NodeName, to: &NodeName, span: &Range<usize>) {
    let segments = |name| -> Option<Vec<&Attachment>> {
        let node: &Node = &stage.draft(name)?.node;
        let interfaces = node.interfaces.iter();
        let with_ipv4 = interfaces.filter(|i| i.addresses.iter().any(|a| a.addr().is_ipv4()));
        Some(with_ipv4.map(|interface| &interface.attachment).collect())
    };
    let (Some(ours), Some(theirs)) = (segments(from), segments(to)) else {
        return;
    };
    if !ours.iter().any(|segment| theirs.contains(segment)) {
        stage.cx.mistake(
            span,
            format!("no broadcast of {from} reaches {to}"),
            "write a node that shares a network and its IPv4 subnet with the sender",
        );
    }
}

/// The port, where the file does not say: that of the original labs.
const PORT: u16 = 5005;
