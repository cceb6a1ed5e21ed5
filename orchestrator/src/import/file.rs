//! A lab as a topology file.

use std::fmt::{self, Write};

use protocol::link::Conditions;
use protocol::unit::Time;

use super::lab::{Lab, LabInterface, LabNode, Wire};

/// The file's text; `notes` become its opening comment.
pub fn text(lab: &Lab, summary: Option<&str>, notes: &[String]) -> String {
    let mut out = String::new();
    // Writing into a string cannot fail.
    let _ = write(&mut out, lab, summary, notes);
    out
}

fn write(out: &mut String, lab: &Lab, summary: Option<&str>, notes: &[String]) -> fmt::Result {
    for line in notes.iter().flat_map(|note| note.lines().chain([""])) {
        let line: String = line.chars().filter(|c| !c.is_control()).collect();
        writeln!(out, "{}", format!("# {line}").trim_end())?;
    }
    writeln!(out, "name = {}", quoted(lab.name.as_str()))?;
    if let Some(summary) = summary {
        writeln!(out, "summary = {}", quoted(summary))?;
    }
    for (name, subnets) in &lab.networks {
        writeln!(out, "\n[network.{name}]")?;
        list(out, "subnet", subnets.iter())?;
    }
    lab.nodes.iter().try_for_each(|one| node(out, one))?;
    lab.wires.iter().try_for_each(|one| wire(out, one))
}

fn node(out: &mut String, node: &LabNode) -> fmt::Result {
    writeln!(out, "\n[node.{}]", node.name)?;
    if let Some(image) = &node.image {
        writeln!(out, "image = {}", quoted(image))?;
    }
    list(out, "command", node.command.iter())?;
    if node.forward {
        writeln!(out, "forward = true")?;
    }
    let routes = node.routes.iter();
    let routes: Vec<_> = routes.map(|(to, via)| format!("{to} via {via}")).collect();
    list(out, "routes", routes.iter())?;
    for (name, value) in &node.env {
        writeln!(out, "env.{} = {}", quoted_key(name), quoted(value))?;
    }
    let mut interfaces = node.interfaces.iter();
    interfaces.try_for_each(|one| interface(out, node, one))
}

fn interface(out: &mut String, node: &LabNode, interface: &LabInterface) -> fmt::Result {
    let name = quoted_key(interface.name.as_str());
    writeln!(out, "\n[node.{}.interface.{name}]", node.name)?;
    if let Some(network) = &interface.network {
        writeln!(out, "network = {}", quoted(network.as_str()))?;
    }
    list(out, "address", interface.addresses.iter())?;
    if let Some(mac) = interface.mac {
        writeln!(out, "mac = \"{mac}\"")?;
    }
    conditions(out, ["egress", "ingress"], &interface.impairment)
}

fn wire(out: &mut String, wire: &Wire) -> fmt::Result {
    writeln!(out, "\n[[link]]")?;
    let ends = wire.ends.each_ref();
    let ends = ends.map(|(node, interface)| format!("{node}:{interface}"));
    list(out, "ends", ends.iter())?;
    list(out, "subnet", wire.subnets.iter())?;
    conditions(out, ["forward", "backward"], &wire.impairment)
}

fn conditions(out: &mut String, keys: [&str; 2], impairment: &Conditions) -> fmt::Result {
    if impairment.is_perfect() {
        return Ok(());
    }
    let mut words = Vec::new();
    for (key, time) in [("delay", impairment.delay), ("jitter", impairment.jitter)] {
        if !time.is_zero() {
            words.push(format!("{key} = \"{}\"", Time(time)));
        }
    }
    for (key, share) in [("loss", impairment.loss), ("corrupt", impairment.corrupt)] {
        if share.0 > 0.0 {
            words.push(format!("{key} = \"{share}\""));
        }
    }
    let words = words.join(", ");
    keys.iter()
        .try_for_each(|key| writeln!(out, "{key} = {{ {words} }}"))
}

fn list(out: &mut String, key: &str, values: impl Iterator<Item = impl ToString>) -> fmt::Result {
    let values: Vec<_> = values.map(|value| quoted(&value.to_string())).collect();
    if values.is_empty() {
        return Ok(());
    }
    writeln!(out, "{key} = [{}]", values.join(", "))
}

/// A string in which no variable is meant.
fn quoted(text: &str) -> String {
    toml::Value::String(text.replace("${", "$${")).to_string()
}

fn quoted_key(text: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !text.is_empty() && text.chars().all(bare) {
        text.to_owned()
    } else {
        toml::Value::String(text.to_owned()).to_string()
    }
}
