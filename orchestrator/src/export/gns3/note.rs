//! The text in GNS3's window beside the nodes: the lab's name, subnets, addresses, scenarios.

use crate::gns3::document::Drawing;
use crate::gns3::identity::Identity;
use crate::gns3::picture::Note;
use crate::topology::Topology;

use super::playbook::Playbook;
use crate::plan::position::{Point, Positions};

/// Everything written. `kept` is the topology's own text, which the title carries along.
pub fn notes(
    topology: &Topology,
    positions: &Positions,
    playbooks: &[Playbook],
    (identity, kept): (Identity, Option<&str>),
) -> Vec<Drawing> {
    let mut drawings = vec![title(topology, positions, (identity, kept))];
    for (name, at) in &positions.switches {
        let subnets = topology.networks.get(name).map(|n| n.subnets.as_slice());
        let lines = subnets.unwrap_or_default().iter().map(ToString::to_string);
        let at = Point {
            x: at.x + 45,
            y: at.y + 8,
        };
        drawings.extend(small(
            &lines.collect::<Vec<_>>(),
            at,
            identity.of("subnet", name.as_str()),
        ));
    }
    for (node, at) in topology.nodes.iter().zip(&positions.nodes) {
        let addresses = node.interfaces.iter().flat_map(|i| &i.addresses);
        let lines: Vec<String> = addresses.map(|net| net.addr().to_string()).collect();
        let longest = lines.iter().map(String::len).max().unwrap_or(0);
        let half = i32::try_from(longest).unwrap_or(i32::MAX).saturating_mul(3);
        let at = Point {
            x: at.x.saturating_sub(half),
            y: at.y + 55,
        };
        drawings.extend(small(
            &lines,
            at,
            identity.of("addresses", node.name.as_str()),
        ));
    }
    let mut y = -positions.corner.y - 50;
    for book in playbooks {
        let text = book.to_string();
        let lines = i32::try_from(text.lines().count()).unwrap_or(i32::MAX);
        let note = Note {
            text,
            size: 9,
            ..Note::default()
        };
        let at = Point {
            x: positions.corner.x + 175,
            y,
        };
        drawings.push(drawing(&note, at, identity.of("scenario", &book.name)));
        y = y.saturating_add(lines.saturating_mul(16) + 40);
    }
    drawings
}

fn title(
    topology: &Topology,
    positions: &Positions,
    (identity, kept): (Identity, Option<&str>),
) -> Drawing {
    let summary = topology.summary.as_deref().unwrap_or_default();
    let text = format!("{}\n{summary}", topology.name);
    let note = Note {
        text: text.trim_end().to_owned(),
        size: 12,
        bold: true,
        kept: kept.map(str::to_owned),
    };
    let at = Point {
        x: -positions.corner.x - 50,
        y: -positions.corner.y - 140,
    };
    drawing(&note, at, identity.of("drawing", "title"))
}

fn small(lines: &[String], at: Point, id: uuid::Uuid) -> Option<Drawing> {
    let note = Note {
        text: lines.join("\n"),
        size: 8,
        ..Note::default()
    };
    (!note.text.is_empty()).then(|| drawing(&note, at, id))
}

fn drawing(note: &Note, at: Point, drawing_id: uuid::Uuid) -> Drawing {
    Drawing {
        drawing_id,
        x: at.x,
        y: at.y,
        z: 2,
        rotation: 0,
        locked: false,
        svg: note.svg(),
    }
}
