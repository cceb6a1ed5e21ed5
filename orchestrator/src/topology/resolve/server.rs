//! A file server on a node, and whether its clients can reach it.

use std::ops::Range;

use protocol::name::NodeName;

use super::context::Context;
use super::scenarios::{Stage, filled};
use super::service;
use crate::topology::document::At;
use crate::topology::document::stress::ServerEntry;
use crate::topology::document::word::{Count, Filled, Port};
use crate::topology::model::{Server, ServerProgram};

/// Reads a server. `span` is the scenario's; the port is what it is where the file does not say.
pub(super) fn read(
    stage: &Stage<'_>,
    entry: &At<ServerEntry>,
    span: &Range<usize>,
    port: u16,
) -> Option<Server> {
    let (cx, keys) = (stage.cx, &entry.value);
    if entry.span.is_empty() {
        let remedy = "add server = { node = \"…\" } here";
        cx.mistake(span, "`server` is missing", remedy);
        return None;
    }
    if keys.node.is_absent() {
        cx.missing(&entry.span, "node");
    }
    let node = stage.names.node(cx, &keys.node);
    if let Some(node) = node.as_ref().filter(|node| !has_address(stage, node)) {
        let message = format!("{node} has no address to listen on");
        let remedy = "put it on a network that has a subnet";
        cx.mistake(&keys.node.span(), message, remedy);
    }
    let program = program(stage, entry);
    let directory = directory(cx, keys);
    Some(Server {
        node: node?,
        port: cx.get(&keys.port).map_or(port, |Port(port)| port),
        directory,
        program,
    })
}

/// The node of clients, which is not the server's: what goes from a node to itself crosses no network.
pub(super) fn beside(
    stage: &Stage<'_>,
    server: Option<&Server>,
    client: Option<NodeName>,
    span: &Range<usize>,
) -> Option<NodeName> {
    let client = client?;
    if server.is_some_and(|server| server.node == client) {
        let message = format!("{client} is the server");
        let remedy = "write another node: what a node says to itself crosses no network";
        stage.cx.mistake(span, message, remedy);
    }
    Some(client)
}

/// A number of workers, in reason.
pub(super) fn workers(
    cx: &Context<'_>,
    word: &crate::topology::document::Written<Count>,
) -> Option<u32> {
    let Count(workers) = cx.get(word)?;
    if workers > MOST_WORKERS {
        let message = format!("{workers} at once are more than a node can have");
        let remedy = format!("write at most {MOST_WORKERS}");
        cx.mistake(&word.span(), message, remedy);
    }
    Some(workers)
}

fn program(stage: &Stage<'_>, entry: &At<ServerEntry>) -> ServerProgram {
    let (cx, keys) = (stage.cx, &entry.value);
    let model = cx.get(&keys.model);
    let workers = workers(cx, &keys.workers);
    if keys.command.span.is_empty() {
        return ServerProgram::BuiltIn {
            model: model.unwrap_or_default(),
            workers: workers.unwrap_or(WORKERS),
            service: service::read(cx, keys),
        };
    }
    service::refuse(cx, keys);
    let words = &keys.command.value.0;
    filled(cx, &keys.command, &entry.span, "command");
    let command: Vec<String> = words.iter().filter_map(|word| cx.text(word)).collect();
    if let (Some(first), Some(program)) = (words.first(), command.first())
        && program.is_empty()
    {
        let remedy = "write the program first: [\"python3\", \"/root/server.py\"]";
        cx.mistake(&first.span(), "the command names no program", remedy);
    }
    ServerProgram::Own {
        command,
        model,
        workers,
    }
}

fn directory(cx: &Context<'_>, keys: &ServerEntry) -> String {
    let Some(Filled(path)) = cx.get(&keys.directory) else {
        return DIRECTORY.to_owned();
    };
    let climbs = path.split('/').any(|part| part == "..");
    if !path.starts_with('/') || path.trim_matches('/').is_empty() || climbs {
        let message = format!("`{path}` is not a folder for a server's files");
        let remedy = format!("write an absolute path without .., such as {DIRECTORY}");
        cx.mistake(&keys.directory.span(), message, remedy);
    }
    path
}

fn has_address(stage: &Stage<'_>, node: &NodeName) -> bool {
    let interfaces = stage.draft(node).map(|draft| &draft.node.interfaces);
    interfaces.is_none_or(|all| all.iter().any(|one| !one.addresses.is_empty()))
}

/// Where files are, where the file does not say: in memory, on every backend.
const DIRECTORY: &str = "/dev/shm/files";

/// The number of connections served at once, where the file does not say.
const WORKERS: u32 = 5;

/// The most workers that a server or a client may be told to start.
const MOST_WORKERS: u32 = 1024;
