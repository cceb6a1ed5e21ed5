//! Files from one node to many by UDP broadcast.

use std::ops::Range;

use protocol::name::NodeName;

use super::scenarios::Stage;
use super::transfer;
use crate::topology::document::transfer::BroadcastEntry;
use crate::topology::model::{Attachment, Node, Work};

/// Reads a broadcast.
pub(super) fn read(stage: &Stage<'_>, entry: &BroadcastEntry, span: &Range<usize>) -> Option<Work> {
    let transfer = transfer::read(stage, entry.transfer(), span, (PORT, within_reach));
    let address = stage.cx.get(&entry.address).unwrap_or_default();
    Some(Work::Broadcast(transfer?, address))
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
