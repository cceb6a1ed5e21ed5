//! Instructions for starting a scenario by hand: on each node's console, the commands that the orchestrator
//! would have given. Of a matrix, these are the commands for the file's own values.

use std::fmt;

use protocol::name::{InterfaceName, NodeName};
use protocol::task::Framing;

use crate::plan::Plan;
use crate::scenario::headline::{headline, kind};
use crate::scenario::transfer::paths::Paths;
use crate::scenario::transfer::receivers::stored_name;
use crate::topology::Topology;
use crate::topology::model::{
    Action, Files, Node, Operation, Scenario, Server, ServerProgram, Source, Step, Stress,
    Transfer, Work,
};

use super::node_files::sent;
use crate::gns3::adapter::Adapters;
use crate::gns3::container::NODE;

/// Instructions for starting a scenario by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Playbook {
    /// The scenario.
    pub name: String,
    /// Its purpose, in a line.
    headline: String,
    /// The lines to type, each with its node, in order.
    lines: Vec<(NodeName, String)>,
}

impl Playbook {
    /// Of a scenario.
    pub fn of(topology: &Topology, plan: &Plan, scenario: &Scenario) -> Self {
        let lines = match &scenario.work {
            Work::Broadcast(..) | Work::Split(_) => transfer_lines(topology, plan, &scenario.work),
            Work::Stress(stress) => stress_lines(topology, stress),
            Work::Conversation(conversation) => {
                let server = &conversation.server;
                let client = format!("{NODE} converse {}", address(topology, server));
                vec![
                    (server.node.clone(), serve(server)),
                    (conversation.client.clone(), client),
                ]
            }
            Work::Steps(steps) => steps.iter().filter_map(step_line).collect(),
        };
        Self {
            name: scenario.name.clone(),
            headline: format!("{}: {}", kind(&scenario.work), headline(&scenario.work)),
            lines,
        }
    }
}

impl fmt::Display for Playbook {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "Scenario {}", self.name)?;
        write!(out, "{}", self.headline)?;
        if !self.lines.is_empty() {
            write!(out, "\nIn the consoles, in this order:")?;
        }
        for (node, line) in self.lines.iter().take(MOST) {
            write!(out, "\n{node}# {line}")?;
        }
        match self.lines.len().checked_sub(MOST) {
            Some(more @ 1..) => write!(out, "\n… and {more} more, in the lab's file"),
            _ => Ok(()),
        }
    }
}

/// More are no note any more.
const MOST: usize = 20;

fn transfer_lines(topology: &Topology, plan: &Plan, work: &Work) -> Vec<(NodeName, String)> {
    // A topology's transfers have paths: that is checked when it is read.
    let (Some(transfer), Ok(Some(mut paths))) = (work.transfer(), Paths::of(plan, work)) else {
        return Vec::new();
    };
    if let Some(crossing) = &mut paths.broadcast {
        crossing.from = there(topology, &transfer.from, &crossing.from);
    }
    let mut lines = Vec::new();
    let one = transfer.is_one_session(paths.broadcast.is_some());
    for (number, end) in paths.to.iter().enumerate() {
        let files = (0..transfer.files.count()).filter(|file| paths.leads(*file, number));
        let sessions = if one { 1 } else { files.count() };
        let role = match transfer.sending.framing {
            Framing::Reliable => format!("broadcast-receive --sessions {sessions}"),
            framing => format!("receive --framing {framing} --name {}", stored_name(number)),
        };
        let line = format!(
            "{NODE} {role} --port {} --directory /root/received",
            transfer.port
        );
        lines.push((end.node.clone(), line));
    }
    let mut names = Vec::new();
    match &transfer.files {
        Files::Here(files) => names.extend(files.iter().map(|file| sent(file))),
        Files::Downloaded(downloads) => {
            let urls = downloads.iter().map(|download| match &download.source {
                Source::Url { url, .. } => url.clone(),
                Source::Origin { node, file } => format!("{}:{}", node, sent(file)),
            });
            names.extend(downloads.iter().map(|d| format!("/root/{}", d.key)));
            let urls: Vec<_> = urls.collect();
            lines.push((
                transfer.from.clone(),
                format!("# has fetched {}", urls.join(", ")),
            ));
        }
    }
    lines.push((transfer.from.clone(), send(transfer, &paths, &names, one)));
    lines
}

/// Returns GNS3's name for an interface.
fn there(topology: &Topology, node: &NodeName, interface: &InterfaceName) -> InterfaceName {
    let found = topology.nodes.iter().find(|one| one.name == *node);
    let place = |node: &Node| node.interfaces.iter().position(|i| i.name == *interface);
    let number =
        found.and_then(|node| Some(Adapters::of(node.interface_names()).number(place(node)?)));
    let name = number.and_then(|number| format!("eth{number}").parse().ok());
    name.unwrap_or_else(|| interface.clone())
}

fn send(transfer: &Transfer, paths: &Paths, names: &[String], one: bool) -> String {
    let receivers: Vec<_> = paths.to.iter().map(|end| end.address.to_string()).collect();
    let receivers = receivers.join(",");
    let mut line = if one {
        format!("{NODE} broadcast-send --port {}", transfer.port)
    } else {
        let sending = &transfer.sending;
        let model = sending.model.unwrap_or_default();
        format!("{NODE} send --model {model} --framing {}", sending.framing)
    };
    let mut add = |words: String| {
        line.push(' ');
        line.push_str(&words);
    };
    if let Some(crossing) = &paths.broadcast {
        add(format!(
            "--interface {} --receivers {receivers}",
            crossing.from
        ));
    }
    if one {
        if let Some(crossing) = &paths.broadcast {
            add(format!("--to {}", crossing.address));
        }
        for name in names {
            add(format!("--file {name}"));
        }
    } else {
        for (number, name) in names.iter().enumerate() {
            if let Some(target) = paths.target(number) {
                add(format!("--task {name}={target}:{}", transfer.port));
            }
        }
    }
    line
}

fn stress_lines(topology: &Topology, stress: &Stress) -> Vec<(NodeName, String)> {
    let (server, clients) = (&stress.server, &stress.clients);
    let size = stress.size.0;
    let client = format!(
        "{NODE} stress --server {} --operation {} --size {size} --seed 1 --prefix file --model {} --workers {}",
        address(topology, server),
        stress.operation,
        clients.model,
        clients.workers
    );
    let mut lines = Vec::new();
    if stress.operation == Operation::Download {
        let fill = format!(
            "{NODE} fill --directory {} --size {size} --seed 1 --prefix file --count {}",
            server.directory, clients.workers
        );
        lines.push((server.node.clone(), fill));
    }
    lines.push((server.node.clone(), serve(server)));
    lines.push((clients.node.clone(), client));
    lines
}

fn serve(server: &Server) -> String {
    match &server.program {
        ServerProgram::Own { command, .. } => joined(command),
        ServerProgram::BuiltIn {
            model,
            workers,
            service,
        } => {
            let (port, directory) = (server.port, &server.directory);
            let line = format!(
                "{NODE} serve --port {port} --model {model} --workers {workers} --directory {directory}"
            );
            let more = service.arguments().into_iter();
            std::iter::once(line)
                .chain(more)
                .collect::<Vec<_>>()
                .join(" ")
        }
    }
}

/// Where a server is found: its node's first address.
fn address(topology: &Topology, server: &Server) -> String {
    let node = topology.nodes.iter().find(|node| node.name == server.node);
    let mut addresses = node.into_iter().flat_map(|node| &node.interfaces);
    let first = addresses.find_map(|interface| interface.addresses.first());
    let host = first.map_or_else(|| server.node.to_string(), |net| net.addr().to_string());
    format!("{host}:{}", server.port)
}

fn step_line(step: &Step) -> Option<(NodeName, String)> {
    let (program, end) = match &step.action {
        Action::Run(program) => (program, ""),
        Action::Start { program, .. } => (program, " &"),
        _ => return None,
    };
    Some((program.node.clone(), joined(&program.command) + end))
}

fn joined(words: &[String]) -> String {
    shlex::try_join(words.iter().map(String::as_str)).unwrap_or_default()
}
