//! The files sent from a node to others, and the way they are sent.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use protocol::name::{FileName, NodeName};
use protocol::unit::Time;

use super::downloads;
use super::scenarios::{Stage, filled};
use crate::topology::document::transfer::TransferKeys;
use crate::topology::document::word::{Count, Filled, Port, Word};
use crate::topology::document::{At, Many, Named, Written};
use crate::topology::model::{Files, Framing, Model, Sending, Transfer};

/// Notes, at a place, that the first node cannot send to the second.
type Reach = fn(&Stage<'_>, &NodeName, &NodeName, &Range<usize>);

/// Reads a transfer. `span` is the scenario's; the port is what it is where the file does not say.
pub(super) fn read(
    stage: &Stage<'_>,
    keys: TransferKeys<'_>,
    span: &Range<usize>,
    (port, reach): (u16, Reach),
) -> Option<Transfer> {
    let cx = stage.cx;
    if keys.from.is_absent() {
        cx.missing(span, "from");
    }
    let from = stage.names.node(cx, keys.from);
    filled(cx, keys.to, span, "to");
    let to = receivers(stage, keys, from.as_ref(), reach);
    let files = files(stage, keys, span);
    let sending = sending(stage, keys);
    Some(Transfer {
        from: from?,
        to,
        files,
        port: cx.get(keys.port).map_or(port, |Port(port)| port),
        sending,
    })
}

fn receivers(
    stage: &Stage<'_>,
    keys: TransferKeys<'_>,
    from: Option<&NodeName>,
    reach: Reach,
) -> Vec<NodeName> {
    let cx = stage.cx;
    let mut to: Vec<NodeName> = Vec::new();
    for word in &keys.to.value.0 {
        for node in stage.names.nodes(cx, word, stage.drafts) {
            if Some(&node) == from {
                let message = format!("{node} is the sender");
                cx.mistake(&word.span(), message, "write only receivers here");
            } else if to.contains(&node) {
                let message = format!("{node} is a receiver already");
                cx.mistake(&word.span(), message, "write each node once");
            } else {
                if let Some(from) = from {
                    reach(stage, from, &node, &word.span());
                }
                to.push(node);
            }
        }
    }
    to
}

fn files(stage: &Stage<'_>, keys: TransferKeys<'_>, span: &Range<usize>) -> Files {
    if keys.download.value.0.is_empty() && keys.download.span.is_empty() {
        filled(stage.cx, keys.files, span, "files");
        return Files::Here(listed_files(stage, keys.files));
    }
    if !keys.files.span.is_empty() {
        let remedy = "write one of the two: the sender has its files, or downloads them";
        stage
            .cx
            .mistake(&keys.files.span, "`files` besides `download`", remedy);
    }
    filled(stage.cx, keys.download, span, "download");
    Files::Downloaded(downloads::read(stage, &keys.download.value))
}

fn listed_files(stage: &Stage<'_>, entry: &At<Many<Written<Filled>>>) -> Vec<std::path::PathBuf> {
    let cx = stage.cx;
    let mut files = Vec::new();
    let mut names = BTreeSet::new();
    for word in &entry.value.0 {
        let Some(Filled(path)) = cx.get(word) else {
            continue;
        };
        let path = Path::new(&path);
        let name = path.file_name().and_then(|name| name.to_str());
        match name.and_then(|name| name.parse::<FileName>().ok()) {
            None => {
                let message = format!("{} does not name a file", path.display());
                let remedy = "write a file's path: inputs/data.jpg";
                cx.mistake(&word.span(), message, remedy);
            }
            Some(name) if !names.insert(name.clone()) => {
                let message = format!("two files are called {name}");
                let remedy = "receivers tell files by name: rename one";
                cx.mistake(&word.span(), message, remedy);
            }
            Some(_) => files.push(cx.input(path, &word.span())),
        }
    }
    files
}

fn sending(stage: &Stage<'_>, keys: TransferKeys<'_>) -> Sending {
    let cx = stage.cx;
    let usual = Sending::default();
    let time = |word| cx.get(word).map(|Time(time)| time);
    let framing = cx.get(keys.framing).unwrap_or_default();
    let buffer = cx.get(keys.buffer);
    if let Some(size) = buffer {
        let span = keys.buffer.span();
        if framing == Framing::Reliable {
            let message = "the framing reliable has no buffer to cut datagrams";
            cx.mistake(&span, message, "leave it out, or write another framing");
        } else if !(1..=LARGEST_BUFFER).contains(&size.0) {
            let message = format!("no datagram needs a buffer of {size}");
            let remedy = format!("write from 1B to {LARGEST_BUFFER}B");
            cx.mistake(&span, message, remedy);
        }
    }
    let deadline = time(keys.deadline).unwrap_or(usual.deadline);
    let pause = time(keys.pause).unwrap_or(usual.pause);
    if deadline < SHORTEST_DEADLINE {
        let remedy = "write 1ms or more, or leave it out for 10s";
        cx.mistake(&keys.deadline.span(), "no task is done in no time", remedy);
    } else if pause >= deadline {
        let message = "every task would be late: it rests as long as it may take";
        let remedy = "write a shorter pause, or a longer deadline";
        cx.mistake(&keys.pause.span(), message, remedy);
    }
    let count = |word, usual| {
        let Some(Count(count)) = cx.get(word) else {
            return usual;
        };
        if count > LARGEST_POOL {
            let message = format!("{count} at once are more than a node can have");
            cx.mistake(
                &word.span(),
                message,
                format!("write at most {LARGEST_POOL}"),
            );
        }
        count
    };
    // A limit or a rest for each task makes each file a task.
    let has_tasks = !keys.deadline.is_absent() || !keys.pause.is_absent();
    Sending {
        model: cx.get(keys.model).or(has_tasks.then(Model::default)),
        framing,
        buffer,
        processes: count(keys.processes, usual.processes),
        workers: count(keys.workers, usual.workers),
        deadline,
        pause,
        published: published(stage, keys.published),
    }
}

fn published(stage: &Stage<'_>, named: &Named<Written<Time>>) -> BTreeMap<Model, Duration> {
    let cx = stage.cx;
    let mut published = BTreeMap::new();
    for (key, word) in &named.0 {
        let model = Model::parse(&key.value);
        if let Err(remedy) = &model {
            let message = format!("`{}` is not a model", key.value);
            cx.mistake(&key.span, message, remedy.as_str());
        }
        let time = cx.get(word).map(|Time(time)| time);
        if time == Some(Duration::ZERO) {
            cx.mistake(
                &word.span(),
                "nothing is sent in no time",
                "write what was published",
            );
        }
        if let (Ok(model), Some(time)) = (model, time) {
            published.insert(model, time);
        }
    }
    published
}

/// A UDP datagram cannot be longer (RFC 768), in bytes.
const LARGEST_BUFFER: u64 = 65_535;

/// The most processes or threads that a sender may be told to start.
const LARGEST_POOL: u32 = 1024;

/// Roles count in milliseconds.
const SHORTEST_DEADLINE: Duration = Duration::from_millis(1);
