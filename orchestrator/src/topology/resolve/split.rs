//! Files from one node to as many others, one to each.

use std::ops::Range;

use protocol::name::NodeName;

use super::scenarios::Stage;
use super::transfer;
use crate::number::counted;
use crate::topology::document::transfer::SplitEntry;
use crate::topology::model::Work;

/// Reads a split.
pub(super) fn read(stage: &Stage<'_>, entry: &SplitEntry, span: &Range<usize>) -> Option<Work> {
    let transfer = transfer::read(stage, entry.transfer(), span, (PORT, within_reach))?;
    let (files, receivers) = (transfer.files.count(), transfer.to.len());
    if files != receivers && files > 0 && receivers > 0 {
        let (files, to) = (
            counted(files as u64, "file"),
            counted(receivers as u64, "receiver"),
        );
        let message = format!("{files} for {to}");
        let remedy = "write as many: the first file goes to the first receiver, and so on";
        stage.cx.mistake(&entry.to.span, message, remedy);
    }
    Some(Work::Split(transfer))
}

/// Notes ends that have no IPv4 address.
fn within_reach(stage: &Stage<'_>, from: &NodeName, to: &NodeName, span: &Range<usize>) {
    for node in [from, to].into_iter().filter(|node| !has_ipv4(stage, node)) {
        let remedy = "put it on a network with an IPv4 subnet";
        let message = format!("{node} has no IPv4 address to send from or to");
        stage.cx.mistake(span, message, remedy);
    }
}

fn has_ipv4(stage: &Stage<'_>, node: &NodeName) -> bool {
    let Some(draft) = stage.draft(node) else {
        return true;
    };
    let mut addresses = draft.node.interfaces.iter().flat_map(|i| &i.addresses);
    addresses.any(|address| address.addr().is_ipv4())
}

/// The port, where the file does not say: that of the original lab.
const PORT: u16 = 5050;
