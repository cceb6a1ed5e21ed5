//! The conditions of links. They are read apart from the lab's structure, since cells may differ in them.

use std::time::Duration;

use protocol::link::{Conditions, Contradiction};
use protocol::unit::{Percent, Time};

use super::context::Context;
use super::interfaces::Port;
use super::structure::Structure;
use crate::topology::document::shape::ImpairmentEntry;
use crate::topology::document::{At, Document, Written};
use crate::topology::model::Node;

/// Reads an interface's own table: the conditions of its egress and of its ingress.
pub(super) fn interface(
    cx: &Context<'_>,
    document: &Document,
    (node, interface): (usize, usize),
) -> [Conditions; 2] {
    let (_, entry) = &document.node.0[node].1.interface.0[interface];
    [&entry.egress, &entry.ingress].map(|entry| impairment(cx, entry, None))
}

/// Returns the words of such a table. Two tables with the same words are right or wrong together.
pub(super) fn words(document: &Document, (node, interface): (usize, usize)) -> String {
    let (_, entry) = &document.node.0[node].1.interface.0[interface];
    format!("{:?} {:?}", entry.egress.value, entry.ingress.value)
}

/// Reads a wire: the conditions of the egress of its first end and of its second.
pub(super) fn wire(
    cx: &Context<'_>,
    (document, structure): (&Document, &Structure),
    place: usize,
) -> [Conditions; 2] {
    let entry = &document.link.0[place];
    let directions = directions(cx, document, place);
    for (end, said) in [&entry.value.forward, &entry.value.backward]
        .iter()
        .enumerate()
    {
        let Some((name, table)) = structure.tables.get(&(place, end)) else {
            continue;
        };
        if !directions[end].is_perfect() && !interface(cx, document, *table)[0].is_perfect() {
            let at = if said.span.is_empty() {
                &entry.span
            } else {
                &said.span
            };
            let message = format!("{name}'s egress is given already");
            let remedy = "say it in one place: here, or at the interface";
            cx.mistake(at, message, remedy);
        }
    }
    directions
}

/// Applies the document's conditions to the links of a lab's nodes.
pub(super) fn apply(
    cx: &Context<'_>,
    (document, structure): (&Document, &Structure),
    nodes: &mut [Node],
) {
    for (draft, node) in structure.drafts.iter().zip(nodes) {
        for own in &mut node.interfaces {
            let Some(port) = draft.ports.iter().find(|port| port.name == own.name) else {
                continue;
            };
            [own.egress, own.ingress] = both(cx, document, port);
        }
    }
}

/// Reads the conditions of the two directions of an interface, from its table and from its wire.
fn both(cx: &Context<'_>, document: &Document, port: &Port) -> [Conditions; 2] {
    let table = port.table.map(|table| interface(cx, document, table));
    let [mut egress, ingress] = table.unwrap_or_default();
    if let Some((place, end)) = port.wire {
        let wired = directions(cx, document, place)[end];
        if egress.is_perfect() {
            egress = wired;
        }
    }
    [egress, ingress]
}

/// Reads a wire's conditions forward and backward.
fn directions(cx: &Context<'_>, document: &Document, place: usize) -> [Conditions; 2] {
    let wire = &document.link.0[place].value;
    let rtt = cx.get(&wire.rtt).map(|Time(rtt)| rtt);
    [&wire.forward, &wire.backward].map(|entry: &At<ImpairmentEntry>| {
        let delay = &entry.value.delay;
        if rtt.is_some() && !delay.is_absent() {
            let remedy = "leave the delay or the rtt out";
            cx.mistake(
                &delay.span(),
                "the link's rtt gives the delay already",
                remedy,
            );
        }
        impairment(cx, entry, rtt.map(|rtt| rtt / 2))
    })
}

/// Reads the conditions of one direction. A delay given elsewhere counts where this gives none.
fn impairment(
    cx: &Context<'_>,
    entry: &At<ImpairmentEntry>,
    delay: Option<Duration>,
) -> Conditions {
    let written = &entry.value;
    let time = |word| {
        cx.get(word)
            .map_or_else(Default::default, |Time(time)| time)
    };
    let share = |word: &Written<Percent>| cx.get(word).unwrap_or_default();
    let read = Conditions {
        delay: delay.unwrap_or_else(|| time(&written.delay)),
        jitter: time(&written.jitter),
        loss: share(&written.loss),
        duplicate: share(&written.duplicate),
        corrupt: share(&written.corrupt),
        reorder: share(&written.reorder),
        rate: cx.get(&written.rate),
        queue: cx.get(&written.queue),
    };
    for contradiction in read.contradictions() {
        let (at, remedy) = match contradiction {
            Contradiction::Jitter { .. } => (
                written.jitter.span(),
                "write at most the delay: no frame arrives before it is sent",
            ),
            Contradiction::Reorder => (
                written.reorder.span(),
                "add a delay: a frame overtakes those that are delayed",
            ),
            // A rate that cannot be read is a mistake already.
            Contradiction::Queue if !written.rate.is_absent() => continue,
            Contradiction::Queue => (written.queue.span(), "add a rate, or leave the queue out"),
        };
        cx.mistake(&at, contradiction.to_string(), remedy);
    }
    read
}
