//! The faults while a scenario runs.

use std::collections::BTreeSet;
use std::time::Duration;

use super::scenarios::Stage;
use crate::topology::document::At;
use crate::topology::document::scenario::FaultEntry;
use crate::topology::model::{Fault, FaultKind};
use crate::topology::suggestion::instead_of;
use protocol::name::InterfaceName;
use protocol::unit::Time;

/// Reads one fault of a scenario whose cells end after `timeout`.
pub(super) fn read(stage: &Stage<'_>, entry: &At<FaultEntry>, timeout: Duration) -> Option<Fault> {
    let cx = stage.cx;
    let fault = &entry.value;
    let at = cx.need(&fault.at, &entry.span, "at").map(|Time(at)| at);
    let end = Time(timeout);
    if at.is_some_and(|at| at >= timeout) {
        let message = format!("the scenario is over after {end}");
        cx.mistake(
            &fault.at.span(),
            message,
            "write an earlier moment, or a longer timeout",
        );
    }
    let lasts = cx.get(&fault.lasts).map(|Time(lasts)| lasts);
    if lasts.is_some_and(|lasts| lasts.is_zero()) {
        let remedy = "write how long, or leave it out for the whole of the cell";
        cx.mistake(&fault.lasts.span(), "a fault that lasts no time", remedy);
    } else if let (Some(at), Some(lasts)) = (at, lasts)
        && at < timeout
        && at.saturating_add(lasts) > timeout
    {
        let message = format!("the scenario is over after {end}, before the fault is");
        cx.mistake(&fault.lasts.span(), message, "write less, or leave it out");
    }
    Some(Fault {
        at: at?,
        lasts,
        kind: kind(stage, entry)?,
    })
}

fn kind(stage: &Stage<'_>, entry: &At<FaultEntry>) -> Option<FaultKind> {
    let fault = &entry.value;
    let given = [
        ("partition", fault.partition.span.clone()),
        ("down", fault.down.span()),
        ("kill", fault.kill.span()),
        ("pause", fault.pause.span()),
    ];
    let given: Vec<_> = given.iter().filter(|(_, span)| !span.is_empty()).collect();
    match given.as_slice() {
        [] => {
            let remedy = "write one of partition, down, kill, pause";
            stage
                .cx
                .mistake(&entry.span, "a fault that does nothing", remedy);
            None
        }
        [_] => one_kind(stage, fault),
        [(first, _), (second, span), ..] => {
            let message = format!("`{second}` besides `{first}`");
            let remedy = "write one of the two, and the other as a fault of its own";
            stage.cx.mistake(span, message, remedy);
            None
        }
    }
}

fn one_kind(stage: &Stage<'_>, fault: &FaultEntry) -> Option<FaultKind> {
    let cx = stage.cx;
    if !fault.partition.span.is_empty() {
        return partition(stage, fault);
    }
    if !fault.kill.is_absent() {
        return stage.names.node(cx, &fault.kill).map(FaultKind::Kill);
    }
    if !fault.pause.is_absent() {
        return stage.names.node(cx, &fault.pause).map(FaultKind::Pause);
    }
    let end = cx.get(&fault.down)?;
    if !stage.names.check(cx, &end.node, &fault.down.span()) {
        return None;
    }
    let interfaces = stage.draft(&end.node).map(|draft| &draft.node.interfaces);
    let names: Vec<&InterfaceName> = interfaces.into_iter().flatten().map(|i| &i.name).collect();
    if !names.contains(&&end.interface) {
        let message = format!("{} has no interface {}", end.node, end.interface);
        let remedy = instead_of(end.interface.as_str(), &names);
        cx.mistake(&fault.down.span(), message, remedy);
    }
    Some(FaultKind::Down(end))
}

fn partition(stage: &Stage<'_>, fault: &FaultEntry) -> Option<FaultKind> {
    let cx = stage.cx;
    let mut seen = BTreeSet::new();
    let mut groups = Vec::new();
    for written in &fault.partition.value.0 {
        let mut group = Vec::new();
        for word in &written.0 {
            for node in stage.names.nodes(cx, word, stage.drafts) {
                if seen.insert(node.clone()) {
                    group.push(node);
                } else {
                    let message = format!("{node} is in two groups, or twice in one");
                    cx.mistake(&word.span(), message, "write each node once");
                }
            }
        }
        groups.push(group);
    }
    if fault.partition.value.0.len() < 2 || fault.partition.value.0.iter().any(|g| g.0.is_empty()) {
        let remedy = "write at least two: [[\"alpine-1\"], [\"alpine-2\", \"alpine-3\"]]";
        cx.mistake(
            &fault.partition.span,
            "a partition into less than two groups",
            remedy,
        );
        return None;
    }
    Some(FaultKind::Partition(groups))
}
