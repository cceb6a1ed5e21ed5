//! The files of a node: its addresses and routes, and what it needs for the scenarios.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;

use crate::gns3::device::DOCKER;
use crate::gns3::interfaces::{self, Stanza};
use crate::plan::PlannedNode;
use crate::topology::Topology;
use crate::topology::model::{Files, Node, Source, Work};
use protocol::settings::Host;

use crate::gns3::adapter::Adapters;

/// A file of a project, by its path from the project's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeFile {
    /// Its path.
    pub path: String,
    /// Its content.
    pub content: FileContent,
}

/// The content of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileContent {
    /// A text.
    Text(String),
    /// The content of a file of this machine.
    CopyOf(PathBuf),
}

/// A file that a node has before it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Given {
    from: PathBuf,
    to: String,
}

/// Where GNS3 keeps what a node's container has at a path.
pub fn place(node: uuid::Uuid, path: &str) -> String {
    format!(
        "project-files/{DOCKER}/{node}/{}",
        path.trim_start_matches('/')
    )
}

/// The file of a node's addresses.
pub fn addresses(node: &Node, planned: &PlannedNode, hosts: &[Host]) -> String {
    let adapters = Adapters::of(node.interface_names());
    let on = |via: &IpAddr| {
        let holds = |net: &IpNet| net.contains(via);
        let mut all = node.interfaces.iter();
        all.position(|i| i.addresses.iter().any(holds)).unwrap_or(0)
    };
    let hosts: Vec<_> = hosts
        .iter()
        .flat_map(|host| {
            let v6 = host.addresses.iter().filter(|ip| ip.is_ipv6());
            v6.map(|address| (host.name.to_string(), *address))
        })
        .collect();
    let stanza = |(place, interface): (usize, &crate::topology::model::Interface)| Stanza {
        interface: format!("eth{}", adapters.number(place)),
        addresses: interface.addresses.clone(),
        routes: {
            let routes = planned.settings.routes.iter();
            let here = routes.filter(|route| on(&route.via) == place);
            here.map(|route| (route.to, route.via)).collect()
        },
        forwards: node.forward && place == 0,
        hosts: if place == 0 {
            hosts.clone()
        } else {
            Vec::new()
        },
        ..Stanza::default()
    };
    let stanzas: Vec<_> = node.interfaces.iter().enumerate().map(stanza).collect();
    interfaces::text(
        &format!("{}, as the lab's file has it", node.name),
        &stanzas,
    )
}

/// The path of that file in a node.
pub const ADDRESSES: &str = "/etc/network/interfaces";

/// The folders that a node's files are in, which outlive its container, and the files; then those that
/// cannot be given.
pub fn files(
    topology: &Topology,
    node: &Node,
) -> (Vec<String>, Vec<(String, PathBuf)>, Vec<String>) {
    let (mut folders, mut files, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for given in given(topology, node) {
        let folder = Path::new(&given.to).parent().and_then(Path::to_str);
        match folder.filter(|folder| *folder != "/" && !folder.starts_with("/etc")) {
            Some(folder) => {
                folders.push(folder.to_owned());
                files.push((given.to, given.from));
            }
            None => refused.push(given.to),
        }
    }
    folders.sort();
    folders.dedup();
    (folders, files, refused)
}

/// The file's own, then what scenarios have on this machine and need there.
fn given(topology: &Topology, node: &Node) -> Vec<Given> {
    let own = node.files.iter().map(|copy| Given {
        from: copy.from.clone(),
        to: copy.to.clone(),
    });
    let mut all: Vec<Given> = own.collect();
    let mut add = |from: &Path, to: String| {
        let given = Given {
            from: from.to_owned(),
            to,
        };
        if !all.iter().any(|other| other.to == given.to) {
            all.push(given);
        }
    };
    for scenario in &topology.scenarios {
        match &scenario.work {
            Work::Broadcast(transfer, _) | Work::Split(transfer) => match &transfer.files {
                Files::Here(files) if transfer.from == node.name => {
                    for file in files {
                        add(file, sent(file));
                    }
                }
                Files::Here(_) => {}
                Files::Downloaded(downloads) => {
                    for download in downloads {
                        match &download.source {
                            Source::Origin { node: origin, file } if *origin == node.name => {
                                add(file, sent(file));
                            }
                            _ => {}
                        }
                    }
                }
            },
            Work::Conversation(conversation) if conversation.server.node == node.name => {
                for file in &conversation.files {
                    let folder = conversation.server.directory.trim_end_matches('/');
                    add(file, format!("{folder}/{}", base_name(file)));
                }
            }
            Work::Stress(_) | Work::Conversation(_) | Work::Steps(_) => {}
        }
    }
    all
}

/// Where a file that is sent lies in its sender.
pub fn sent(file: &Path) -> String {
    format!("/root/{}", base_name(file))
}

fn base_name(file: &Path) -> String {
    file.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}
