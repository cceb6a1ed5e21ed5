//! Many clients at a file server.

use std::ops::Range;
use std::path::Path;

use super::scenarios::Stage;
use super::server;
use crate::topology::document::stress::StressEntry;
use crate::topology::document::word::Filled;
use crate::topology::model::{Clients, Stress, Work};

/// Reads a stress scenario.
pub(super) fn read(stage: &Stage<'_>, entry: &StressEntry, span: &Range<usize>) -> Option<Work> {
    let cx = stage.cx;
    let server = server::read(stage, &entry.server, span, PORT);
    let clients = clients(stage, entry, span, server.as_ref());
    let operation = cx.need(&entry.operation, span, "operation");
    let size = cx.need(&entry.size, span, "size");
    if let Some(size) = size
        && !(1..=LARGEST).contains(&size.0)
    {
        let message = format!("no client moves a file of {size}");
        let remedy = "write a size from 1B to 4GiB";
        cx.mistake(&entry.size.span(), message, remedy);
    }
    let published = cx.get(&entry.published);
    let published =
        published.map(|Filled(path)| cx.input(Path::new(&path), &entry.published.span()));
    Some(Work::Stress(Box::new(Stress {
        server: server?,
        clients: clients?,
        operation: operation?,
        size: size?,
        published,
    })))
}

fn clients(
    stage: &Stage<'_>,
    entry: &StressEntry,
    span: &Range<usize>,
    server: Option<&crate::topology::model::Server>,
) -> Option<Clients> {
    let (cx, keys) = (stage.cx, &entry.client.value.0);
    if entry.client.span.is_empty() {
        cx.missing(span, "client");
    } else if keys.node.is_absent() {
        cx.missing(&entry.client.span, "node");
    }
    let node = stage.names.node(cx, &keys.node);
    let node = server::beside(stage, server, node, &keys.node.span());
    let (model, workers) = (cx.get(&keys.model), server::workers(cx, &keys.workers));
    Some(Clients {
        node: node?,
        model: model.unwrap_or_default(),
        workers: workers.unwrap_or(1),
    })
}

/// The port, where the file does not say: that of the original lab.
const PORT: u16 = 45_000;

/// The longest file that the server takes.
const LARGEST: u64 = 4 << 30;
