//! A topology for Graphviz (<https://graphviz.org/doc/info/lang.html>).

use std::fmt::{self, Write};

use super::label;
use crate::topology::Topology;
use crate::topology::model::Attachment;

/// The topology in Graphviz's language.
pub fn dot(topology: &Topology) -> String {
    let mut out = String::new();
    // Writing into a string cannot fail.
    let _ = graph(topology, &mut out);
    out
}

fn graph(topology: &Topology, out: &mut String) -> fmt::Result {
    writeln!(out, "graph \"{}\" {{", topology.name)?;
    writeln!(
        out,
        "  node [shape=box style=rounded fontname=\"sans-serif\"];"
    )?;
    writeln!(out, "  edge [fontname=\"sans-serif\" fontsize=10];")?;
    for network in topology.networks.values() {
        let (name, subnets) = (&network.name, label::subnets(&network.subnets));
        writeln!(
            out,
            "  \"network {name}\" [shape=ellipse label=\"{name}\\n{subnets}\"];"
        )?;
    }
    for node in &topology.nodes {
        let mut lines = vec![node.name.to_string()];
        lines.extend(label::addresses(node));
        writeln!(
            out,
            "  \"{}\" [label=\"{}\"];",
            node.name,
            quoted(&lines.join("\n"))
        )?;
    }
    for node in &topology.nodes {
        for interface in &node.interfaces {
            let text = quoted(&label::edge(interface).join("\n"));
            match &interface.attachment {
                Attachment::Network(network) => {
                    let node = &node.name;
                    writeln!(
                        out,
                        "  \"{node}\" -- \"network {network}\" [label=\"{text}\"];"
                    )?;
                }
                Attachment::Link(place) => {
                    let ends = topology.links.get(*place).map(|link| &link.ends);
                    let Some([first, second]) = ends.filter(|ends| ends[0].node == node.name)
                    else {
                        continue;
                    };
                    let far = topology
                        .nodes
                        .iter()
                        .filter(|other| other.name == second.node);
                    let far = far.flat_map(|other| &other.interfaces);
                    let mut far = far.filter(|i| i.attachment == interface.attachment);
                    let head = far.next().map(label::edge).unwrap_or_default().join("\n");
                    writeln!(
                        out,
                        "  \"{}\" -- \"{}\" [style=bold taillabel=\"{text}\" headlabel=\"{}\"];",
                        first.node,
                        second.node,
                        quoted(&head)
                    )?;
                }
            }
        }
    }
    writeln!(out, "}}")
}

fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
