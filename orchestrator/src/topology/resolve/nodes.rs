//! Nodes, those with `count` as many as asked for.

use std::collections::BTreeMap;
use std::ops::Range;

use protocol::limits::Limits;
use protocol::name::{NetworkName, NodeName};
use protocol::settings::Sandbox;

use super::context::Context;
use super::interfaces::{self, Port};
use super::networks::Segment;
use crate::topology::document::place::Bound;
use crate::topology::document::shape::{Document, NodeEntry};
use crate::topology::document::word::{Count, Cpus, Filled, Flag, Image};
use crate::topology::document::{At, Written};
use crate::topology::model::{Bind, FileCopy, Node, StaticRoute};
use crate::topology::suggestion::instead_of;

/// A node in the making.
#[derive(Debug)]
pub(super) struct Draft {
    /// The node, its interfaces and routes still missing.
    pub(super) node: Node,
    /// Its interfaces.
    pub(super) ports: Vec<Port>,
    /// The routes that the file gives, each with its place.
    pub(super) routes: Vec<(StaticRoute, Range<usize>)>,
}

/// Which names stand for which nodes.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Each node's name with its place; the name of one with `count` with the places of them all.
    places: BTreeMap<NodeName, Vec<usize>>,
}

/// Reads all nodes.
pub(super) fn read(
    cx: &Context<'_>,
    document: &Document,
    networks: &BTreeMap<NetworkName, Segment>,
) -> (Vec<Draft>, Names) {
    let mut drafts: Vec<Draft> = Vec::new();
    let mut names = Names::default();
    let sandbox = cx.get(&document.sandbox).unwrap_or_default();
    for (place, (key, entry)) in document.node.0.iter().enumerate() {
        let Some(name) = cx.key::<NodeName>(key) else {
            continue;
        };
        if name.as_str() == "localhost" {
            let message = "every node calls itself `localhost` already";
            cx.mistake(&key.span, message, "write another name");
        }
        let count = count(cx, (key, entry), drafts.len());
        let node = settings(cx, entry, name.clone(), sandbox);
        let ports = interfaces::read(cx, (place, entry), networks, count);
        let routes = entry
            .routes
            .0
            .iter()
            .filter_map(|w| Some((cx.get(w)?, w.span())));
        let routes: Vec<_> = routes.collect();
        let mut group = Vec::new();
        for instance in instances(cx, key, &name, count) {
            group.push(drafts.len());
            if names
                .places
                .insert(instance.clone(), vec![drafts.len()])
                .is_some()
            {
                let message = format!("there are two nodes called {instance}");
                cx.mistake(&key.span, message, "give one of them another name");
            }
            drafts.push(Draft {
                node: Node {
                    name: instance,
                    ..node.clone()
                },
                ports: ports.clone(),
                routes: routes.clone(),
            });
        }
        names.places.entry(name).or_insert(group);
    }
    if drafts.is_empty() && document.node.0.is_empty() {
        cx.mistake(&(0..0), "the lab has no node", "add one: [node.alpine-1]");
    }
    (drafts, names)
}

impl Names {
    /// Where a node is.
    pub(super) fn place(&self, name: &NodeName) -> Option<usize> {
        match self.places.get(name).map(Vec::as_slice) {
            Some([one]) => Some(*one),
            _ => None,
        }
    }

    /// A node that the file names.
    pub(super) fn node(&self, cx: &Context<'_>, written: &Written<NodeName>) -> Option<NodeName> {
        let name = cx.get(written)?;
        self.check(cx, &name, &written.span()).then_some(name)
    }

    /// Whether one node has that name; if not, that is noted.
    pub(super) fn check(&self, cx: &Context<'_>, name: &NodeName, span: &Range<usize>) -> bool {
        match self.places.get(name).map(Vec::len) {
            Some(1) => true,
            Some(many) => {
                let message = format!("{name} stands for {many} nodes");
                cx.mistake(
                    span,
                    message,
                    format!("name one, from {name}-1 to {name}-{many}"),
                );
                false
            }
            None => {
                let known: Vec<&NodeName> = self.places.keys().collect();
                let message = format!("there is no node called {name}");
                cx.mistake(span, message, instead_of(name.as_str(), &known));
                false
            }
        }
    }

    /// The nodes that the file names: the name of one with `count` stands for them all.
    pub(super) fn nodes(
        &self,
        cx: &Context<'_>,
        written: &Written<NodeName>,
        drafts: &[Draft],
    ) -> Vec<NodeName> {
        let Some(name) = cx.get(written) else {
            return Vec::new();
        };
        if let Some(places) = self.places.get(&name) {
            return places
                .iter()
                .map(|&at| drafts[at].node.name.clone())
                .collect();
        }
        self.check(cx, &name, &written.span());
        Vec::new()
    }
}

/// Returns the number of nodes of this entry, in a lab of at most [`MOST_NODES`].
fn count(cx: &Context<'_>, (key, entry): (&At<String>, &NodeEntry), before: usize) -> u32 {
    let count = cx.get(&entry.count).map_or(1, |Count(count)| count);
    let all = before + count as usize;
    if all <= MOST_NODES {
        return count;
    }
    let span = if entry.count.is_absent() {
        key.span.clone()
    } else {
        entry.count.span()
    };
    // Of many nodes written one by one, only the first too many is named.
    if count > 1 || before == MOST_NODES {
        let message = format!("{all} nodes are more than a lab can have");
        cx.mistake(&span, message, format!("write at most {MOST_NODES} in all"));
    }
    1
}

fn instances(cx: &Context<'_>, key: &At<String>, name: &NodeName, count: u32) -> Vec<NodeName> {
    if count == 1 {
        return vec![name.clone()];
    }
    let parsed: Result<_, _> = (1..=count).map(|n| format!("{name}-{n}").parse()).collect();
    parsed.unwrap_or_else(|_| {
        let message = format!("{name}-{count} is longer than 63 bytes");
        cx.mistake(&key.span, message, "write a shorter name");
        Vec::new()
    })
}

/// Everything but names and interfaces.
fn settings(cx: &Context<'_>, entry: &NodeEntry, name: NodeName, sandbox: Sandbox) -> Node {
    let command: Vec<String> = entry.command.0.iter().filter_map(|w| cx.text(w)).collect();
    if let (Some(program), Some(first)) = (command.first(), entry.command.0.first())
        && program.is_empty()
    {
        let remedy = "write the program first: [\"python3\", \"/root/send.py\"]";
        cx.mistake(&first.span(), "the command names no program", remedy);
    }
    let env = entry.env.0.iter().filter_map(|(key, value)| {
        if key.value.is_empty() || key.value.contains(|c: char| c == '=' || c.is_control()) {
            let message = format!("`{}` is not an environment variable's name", key.value);
            cx.mistake(&key.span, message, "write letters, digits and _");
        }
        Some((key.value.clone(), cx.text(value)?))
    });
    Node {
        name,
        image: cx.get(&entry.image).map(|Image(image)| image),
        compute: cx.get(&entry.compute).map(|Filled(compute)| compute),
        command,
        env: env.collect(),
        files: files(cx, entry),
        binds: binds(cx, entry),
        interfaces: Vec::new(),
        routes: Vec::new(),
        forward: cx.get(&entry.forward).is_some_and(|Flag(flag)| flag),
        sandbox: cx.get(&entry.sandbox).unwrap_or(sandbox),
        limits: limits(cx, entry),
    }
}

fn files(cx: &Context<'_>, entry: &NodeEntry) -> Vec<FileCopy> {
    let mut files: Vec<FileCopy> = Vec::new();
    for written in &entry.files.0 {
        let Some(copied) = cx.get(written) else {
            continue;
        };
        if files.iter().any(|other| other.to == copied.to) {
            let message = format!("two files are put at {}", copied.to);
            cx.mistake(&written.span(), message, "give one another place");
        }
        files.push(FileCopy {
            from: cx.input(&copied.from, &written.span()),
            to: copied.to,
        });
    }
    files
}

fn binds(cx: &Context<'_>, entry: &NodeEntry) -> Vec<Bind> {
    let written = entry.binds.0.iter();
    let bind = |written: &Written<Bound>| {
        let bound = cx.get(written)?;
        Some(Bind {
            from: cx.existing(&bound.from, &written.span()),
            to: bound.to,
        })
    };
    written.filter_map(bind).collect()
}

fn limits(cx: &Context<'_>, entry: &NodeEntry) -> Limits {
    let memory = cx.get(&entry.memory);
    if let Some(size) = memory
        && size.0 < LEAST_MEMORY
    {
        let message = format!("a node cannot live in {size}");
        cx.mistake(&entry.memory.span(), message, "write 6MiB or more");
    }
    let disk = cx.get(&entry.disk);
    if let Some(size) = disk
        && size.0 < LEAST_DISK
    {
        let message = format!("a node needs more room for its files than {size}");
        cx.mistake(&entry.disk.span(), message, "write 1MiB or more");
    }
    Limits {
        memory: memory.map(|size| size.0),
        milli_cpus: cx.get(&entry.cpus).map(|Cpus(thousandths)| thousandths),
        pids: cx.get(&entry.pids).map(|Count(count)| count),
        disk: disk.map(|size| size.0),
        open_files: cx.get(&entry.open_files).map(|Count(count)| count),
    }
}

/// The most nodes in a lab: each knows the names of all, so what must be told to them grows with the
/// square.
const MOST_NODES: usize = 1024;

/// Room for what a node has written of its own before any program runs, in bytes.
const LEAST_DISK: u64 = 1 << 20;

/// The least memory that Docker grants a container, in bytes.
const LEAST_MEMORY: u64 = 6 << 20;
