//! Pictures of a lab with everything in it, of two networks, and of many nodes.

use std::collections::BTreeMap;
use std::path::Path;

use super::{dot, mermaid, svg};
use crate::topology::Topology;

fn read(text: &str) -> Topology {
    let read = crate::topology::read("lab.toml", text, Path::new(""), &BTreeMap::new(), &|_| {
        crate::topology::Found::File
    });
    read.unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn labs() -> [(&'static str, Topology); 4] {
    let everything = read(include_str!("../tests/good/everything.toml"));
    let routers = read(
        r#"
        name = "routers"
        network.left.subnet = ["10.1.0.0/24", "fd01::/64"]
        network.middle.subnet = "10.2.0.0/24"
        network.right.subnet = "10.3.0.0/24"
        node.a.networks = ["left"]
        node.b.networks = ["left"]
        node.west = { networks = ["left", "middle"], forward = true }
        node.east = { networks = ["middle", "right"], forward = true }
        node.c.networks = ["right"]
        "#,
    );
    let crowd = read(
        r#"
        name = "crowd"
        network.lan.subnet = "10.0.0.0/24"
        [node.sender]
        networks = ["lan"]
        [node.receiver]
        count = 15
        [node.receiver.interface.eth0]
        network = "lan"
        ingress = { delay = "10ms", jitter = "2ms", loss = "1%" }
        "#,
    );
    let wire = read(
        r#"
        name = "wire"
        node.a = {}
        node.b = {}
        node.c = {}
        [[link]]
        ends = ["a:eth0", "b:eth0"]
        subnet = "10.0.0.0/30"
        rtt = "20ms"
        "#,
    );
    [
        ("everything", everything),
        ("routers", routers),
        ("crowd", crowd),
        ("wire", wire),
    ]
}

#[test]
fn a_topology_is_drawn_the_same_every_time() {
    for (name, topology) in labs() {
        insta::assert_snapshot!(format!("{name}.mmd"), mermaid(&topology));
        insta::assert_snapshot!(format!("{name}.dot"), dot(&topology));
        insta::assert_snapshot!(format!("{name}.svg"), svg(&topology));
    }
}

#[test]
fn no_node_of_the_picture_lies_on_another() {
    for (name, topology) in labs() {
        let layout = super::layout::layout(&topology);
        for (index, a) in layout.boxes.iter().enumerate() {
            for b in &layout.boxes[index + 1..] {
                let beside = a.x + a.width <= b.x || b.x + b.width <= a.x;
                let below = a.y + a.height <= b.y || b.y + b.height <= a.y;
                assert!(beside || below, "{} and {} in {name}", a.name, b.name);
            }
            for edge in &layout.edges {
                let (top, bottom) = (edge.node_y.min(edge.bar_y), edge.node_y.max(edge.bar_y));
                let through =
                    edge.x > a.x && edge.x < a.x + a.width && top < a.y && bottom > a.y + a.height;
                assert!(!through, "an edge through {} in {name}", a.name);
            }
        }
    }
}
