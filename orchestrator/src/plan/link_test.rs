//! Links of whole files: their identities, their conditions, and what lies between two interfaces.

use std::path::Path;
use std::time::Duration;

use protocol::unit::{Percent, Rate};

use super::*;
use crate::plan::{LabId, plan};
use crate::topology::{Cells, Found, read_cells};

const LAB: &str = r#"
name = "links"
vars = { loss = "0%" }
network.lan.subnet = "10.0.0.0/24"
[node.a.interface.eth0]
network = "lan"
egress = { delay = "3ms", loss = "${loss}" }
ingress = { rate = "1mbit" }
[node.b]
networks = ["lan"]
[node.b.interface.eth1]
ingress = { jitter = "1ms", delay = "2ms" }
[node.c]
networks = ["lan"]
[[link]]
ends = ["c:eth1", "b:eth1"]
rtt = "20ms"
backward = { corrupt = "2%" }
[[scenario]]
name = "lossy"
kind = "steps"
step = [{ run = ["true"], node = "a" }]
matrix.loss = ["0%", "5%"]
"#;

fn cells() -> Cells {
    let read = read_cells("lab.toml", LAB, Path::new(""), &BTreeMap::new(), &|_| {
        Found::File
    });
    read.unwrap_or_else(|wrong| panic!("{}", wrong.render(false)))
}

fn port(text: &str) -> Port {
    let (node, interface) = text.split_once(':').unwrap();
    Port {
        node: node.parse().unwrap(),
        interface: interface.parse().unwrap(),
    }
}

fn id(at: &str, direction: Direction) -> LinkId {
    LinkId {
        port: port(at),
        direction,
    }
}

fn delay(milliseconds: u64) -> Conditions {
    Conditions {
        delay: Duration::from_millis(milliseconds),
        ..Conditions::default()
    }
}

#[test]
fn each_port_of_a_network_is_a_link_and_each_wire_is_one() {
    let links = link_conditions(cells().topology());
    let titles: Vec<String> = links.links().iter().map(ToString::to_string).collect();
    assert_eq!(titles, ["a:eth0", "b:eth0", "b:eth1–c:eth1", "c:eth0"]);
    let ends: Vec<String> = links.ends().map(|end| end.port.to_string()).collect();
    assert_eq!(ends, ["a:eth0", "b:eth0", "b:eth1", "c:eth0", "c:eth1"]);
}

#[test]
fn an_interface_on_a_network_has_conditions_in_two_directions() {
    let links = link_conditions(cells().topology());
    assert_eq!(links.of(&id("a:eth0", Direction::Egress)), delay(3));
    let ingress = links.of(&id("a:eth0", Direction::Ingress));
    assert_eq!(ingress.rate, Some(Rate(1_000_000)));
    assert!(links.of(&id("b:eth0", Direction::Egress)).is_perfect());
    assert!(links.of(&id("nobody:eth9", Direction::Egress)).is_perfect());
    let near = links.links()[0];
    let [there, back] = near.directions();
    assert_eq!(there, [&delay(3)]);
    assert_eq!(back, [&ingress]);
}

#[test]
fn a_wire_splits_its_rtt_and_each_end_adds_its_own() {
    let links = link_conditions(cells().topology());
    let wire = links.links()[2];
    let [to_c, to_b] = wire.directions();
    // The file's first end is c, so backward is the egress of b.
    let backward = Conditions {
        corrupt: Percent(2.0),
        ..delay(10)
    };
    let ingress = Conditions {
        jitter: Duration::from_millis(1),
        ..delay(2)
    };
    assert_eq!(to_c, [&backward, &Conditions::default()]);
    assert_eq!(to_b, [&delay(10), &ingress]);
    assert_eq!(links.of(&id("c:eth1", Direction::Egress)), delay(10));
    assert_eq!(links.of(&id("b:eth1", Direction::Egress)), backward);
    assert_eq!(links.of(&id("b:eth1", Direction::Ingress)), ingress);
}

#[test]
fn a_cell_changes_conditions_and_never_a_link() {
    let cells = cells();
    let of = |number| link_conditions(&cells.cell("lossy", number).unwrap().topology);
    let [perfect, lossy] = [of(1), of(2)];
    assert_eq!(perfect, link_conditions(cells.topology()));
    let egress = id("a:eth0", Direction::Egress);
    assert_eq!(perfect.of(&egress).loss, Percent(0.0));
    assert_eq!(lossy.of(&egress).loss, Percent(5.0));
    let identities = |links: &LinkConditions| -> Vec<(Port, Option<Port>)> {
        let ends = links.ends();
        ends.map(|end| (end.port.clone(), end.peer.clone()))
            .collect()
    };
    assert_eq!(identities(&perfect), identities(&lossy));
}

#[test]
fn the_plan_has_a_link_for_each_port_of_its_segments_and_is_read_as_written() {
    let lab = LabId {
        name: "links".parse().unwrap(),
        instance: 1,
    };
    let plan = plan(cells().topology(), lab);
    for segment in &plan.segments {
        for port in &segment.ports {
            let end = plan.links.ends().find(|end| end.port == *port).unwrap();
            let other = segment.ports.iter().find(|other| *other != port);
            let peer = other.filter(|_| segment.wire);
            assert_eq!(end.peer.as_ref(), peer, "{port}");
        }
    }
    let text = serde_json::to_string(&plan.links).unwrap();
    assert_eq!(
        serde_json::from_str::<LinkConditions>(&text).unwrap(),
        plan.links
    );
}

#[test]
fn a_path_is_lossless_if_every_link_on_it_is() {
    let cells = cells();
    let lossless = |number, from: &str, to: &str, carrier| {
        let topology = &cells.cell("lossy", number).unwrap().topology;
        link_conditions(topology).is_lossless([&port(from), &port(to)], carrier)
    };
    // From a nothing is lost but by the second cell; to a, what its rate does not take.
    for (number, from, to, expected) in [
        (1, "a:eth0", "b:eth0", true),
        (2, "a:eth0", "b:eth0", false),
        (1, "b:eth0", "a:eth0", false),
        (2, "b:eth0", "c:eth0", true),
        (1, "c:eth1", "b:eth1", true),
        (1, "b:eth1", "c:eth1", false),
    ] {
        let is = lossless(number, from, to, Carrier::Kernel);
        assert_eq!(is, expected, "{from} to {to} in cell {number}");
        assert!(!lossless(number, from, to, Carrier::Program));
    }
}
