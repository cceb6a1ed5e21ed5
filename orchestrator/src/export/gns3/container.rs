//! A node as GNS3's Docker node.

use std::net::IpAddr;

use crate::gns3::adapter::Adapters;
use crate::gns3::container::{IMAGE, SHELL, WAITING, unfit};
use crate::gns3::device::Docker;
use crate::topology::model::Node;
use protocol::limits::Limits;
use protocol::settings::Host;

use crate::export::warning::Warning;

/// The properties of a node, and what they do not hold.
pub fn docker(node: &Node, hosts: &[Host], volumes: Vec<String>) -> (Docker, Vec<Warning>) {
    let mut warnings = Vec::new();
    let mut warn = |text: String| {
        warnings.push(Warning::Node {
            node: node.name.clone(),
            text,
        });
    };
    if node.limits != Limits::default() {
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
    let hosts: Vec<String> = hosts
        .iter()
        .flat_map(|host| {
            let v4 = host.addresses.iter().filter(|ip| IpAddr::is_ipv4(ip));
            v4.map(|address| format!("{}:{address}", host.name))
        })
        .collect();
    let docker = Docker {
        image: node.image.clone().unwrap_or_else(|| IMAGE.to_owned()),
        adapters: Some(Adapters::of(node.interface_names()).count()),
        start_command: Some(start_command(node)),
        environment: (!environment.is_empty()).then(|| environment.join("\n")),
        extra_hosts: (!hosts.is_empty()).then(|| hosts.join("\n")),
        extra_volumes: volumes,
        ..Docker::default()
    };
    (docker, warnings)
}

/// Returns the command that GNS3 starts, quoted for a shell.
fn start_command(node: &Node) -> String {
    if !node.command.is_empty() {
        let words = node.command.iter().map(String::as_str);
        // Words with a zero byte are refused when the topology is read.
        return shlex::try_join(words).unwrap_or_default();
    }
    let waiting = if node.image.is_none() { WAITING } else { SHELL };
    waiting.to_owned()
}
