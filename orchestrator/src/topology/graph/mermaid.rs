//! A topology for Markdown (<https://mermaid.js.org/syntax/flowchart.html>).

use std::fmt::{self, Write};

use super::label;
use crate::topology::Topology;
use crate::topology::model::Attachment;

/// The topology as a mermaid flow chart.
pub fn mermaid(topology: &Topology) -> String {
    let mut out = String::new();
    // Writing into a string cannot fail.
    let _ = chart(topology, &mut out);
    out
}

fn chart(topology: &Topology, out: &mut String) -> fmt::Result {
    writeln!(out, "graph TD")?;
    for (number, network) in topology.networks.values().enumerate() {
        let subnets = label::subnets(&network.subnets);
        writeln!(
            out,
            "  net{number}([\"<b>{}</b><br/>{subnets}\"])",
            network.name
        )?;
    }
    for (number, node) in topology.nodes.iter().enumerate() {
        let mut lines = vec![format!("<b>{}</b>", node.name)];
        lines.extend(label::addresses(node));
        writeln!(out, "  node{number}[\"{}\"]", lines.join("<br/>"))?;
    }
    for (number, node) in topology.nodes.iter().enumerate() {
        for interface in &node.interfaces {
            if let Attachment::Network(name) = &interface.attachment
                && let Some(network) = topology.networks.keys().position(|other| other == name)
            {
                let text = label::edge(interface).join("<br/>");
                writeln!(out, "  net{network} ---|\"{text}\"| node{number}")?;
            }
        }
    }
    for (place, link) in topology.links.iter().enumerate() {
        let ends = link.ends.each_ref().map(|end| {
            let number = topology.nodes.iter().position(|node| node.name == end.node);
            let interfaces = number.map(|n| topology.nodes[n].interfaces.iter());
            let plugged =
                |i: &&crate::topology::model::Interface| i.attachment == Attachment::Link(place);
            let interface = interfaces.and_then(|mut all| all.find(plugged));
            (
                number.unwrap_or_default(),
                interface.map(label::edge).unwrap_or_default(),
            )
        });
        let [(first, here), (second, there)] = &ends;
        let text = format!("{}<br/>{}", here.join(" "), there.join(" "));
        writeln!(out, "  node{first} ===|\"{text}\"| node{second}")?;
    }
    Ok(())
}
