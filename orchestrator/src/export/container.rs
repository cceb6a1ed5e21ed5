//! A node as GNS3's Docker node.

use std::net::IpAddr;

use crate::gns3::agent::WAITING;
use crate::gns3::device::Docker;
use crate::plan::PlannedNode;
use crate::topology::model::Node;

use super::adapter::Adapters;
use super::warning::Warning;

/// The image of nodes that have none of their own; `orchestrator image` makes it.
pub const IMAGE: &str = concat!("orchestrator-node:", env!("CARGO_PKG_VERSION"));

/// What a node runs whose image is somebody's own and has no agent.
pub const SHELL: &str = "/bin/sh";

/// The properties of a node, and what they do not hold.
pub fn docker(node: &Node, planned: &PlannedNode, volumes: Vec<String>) -> (Docker, Vec<Warning>) {
    let mut warnings = Vec::new();
    let mut warn = |text: String| {
        warnings.push(Warning::Node {
            node: node.name.clone(),
            text,
        });
    };
    if !node.limits.is_empty() {
        warn(
            "limits of memory, processors and processes cannot be held by GNS3 2.2: there are none"
                .to_owned(),
        );
    }
    let mut environment = Vec::new();
    for (name, value) in &node.env {
        match unfit(name, value) {
            Some(why) => warn(format!("variable {name} is left out: {why}")),
            None => environment.push(format!("{name}={value}")),
        }
    }
    let hosts = planned.settings.hosts.iter();
    let hosts: Vec<String> = hosts
        .flat_map(|host| {
            let v4 = host.addresses.iter().filter(|ip| IpAddr::is_ipv4(ip));
            v4.map(|address| format!("{}:{address}", host.name))
        })
        .collect();
    let docker = Docker {
        image: node.image.clone().unwrap_or_else(|| IMAGE.to_owned()),
        adapters: Some(Adapters::of(node).count()),
        start_command: Some(start_command(node)),
        environment: (!environment.is_empty()).then(|| environment.join("\n")),
        extra_hosts: (!hosts.is_empty()).then(|| hosts.join("\n")),
        extra_volumes: volumes,
        ..Docker::default()
    };
    (docker, warnings)
}

/// What GNS3 starts, as a shell has it.
fn start_command(node: &Node) -> String {
    if !node.command.is_empty() {
        let words = node.command.iter().map(String::as_str);
        // Words with a zero byte are refused when the topology is read.
        return shlex::try_join(words).unwrap_or_default();
    }
    let waiting = if node.image.is_none() { WAITING } else { SHELL };
    waiting.to_owned()
}

/// Why GNS3 would not give a node this variable as it is.
fn unfit(name: &str, value: &str) -> Option<&'static str> {
    if name.starts_with("GNS3_") {
        return Some("GNS3 keeps names that begin with GNS3_ for itself");
    }
    if value.contains('\n') {
        return Some("GNS3 has a variable a line, and this one has several");
    }
    if value.trim() != value {
        return Some("GNS3 cuts blanks at its ends");
    }
    let replaced = ["%vm-name%", "%vm-id%", "%project-id%", "%project-path%"];
    let holds = replaced.iter().any(|word| value.contains(word));
    holds.then_some("GNS3 replaces %…% in it")
}
