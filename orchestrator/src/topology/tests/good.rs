//! Accepted files mean what they say.

use std::collections::BTreeMap;

use super::{Found, read, read_with};
use crate::topology::model::{Action, Attachment, Work};

const EVERYTHING: &str = include_str!("good/everything.toml");

#[test]
fn every_word_of_the_vocabulary_is_read() {
    let topology = read("everything.toml", EVERYTHING).unwrap_or_else(|e| panic!("{e}"));
    insta::assert_debug_snapshot!(topology);
}

#[test]
fn every_shipped_topology_is_read() {
    insta::glob!("../../../../topologies", "**/*.toml", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let look = |file: &Path| match file.extension() {
            Some(script) if script == "py" && !file.exists() => Found::Nothing,
            _ => Found::File,
        };
        let base = path.parent().unwrap();
        let read = crate::topology::read("shipped", &text, base, &BTreeMap::new(), &look);
        let topology = read.unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert_eq!(topology.name.as_str(), path.file_stem().unwrap());
        assert!(
            text.starts_with("# "),
            "{} opens with its purpose",
            path.display()
        );
    });
}

#[test]
fn a_cell_is_the_same_file_with_other_values() {
    let set = BTreeMap::from([("loss".to_owned(), "5%".to_owned())]);
    let topology = read_with("everything.toml", EVERYTHING, &set).unwrap();
    let loss = topology.nodes[1].interfaces[0].egress.loss;
    assert_eq!(loss.to_string(), "5%");
}

#[test]
fn an_rtt_is_half_each_way() {
    let topology = read("everything.toml", EVERYTHING).unwrap();
    let [there, back] = [0, 1].map(|node: usize| {
        let mut interfaces = topology.nodes[node].interfaces.iter();
        let end = interfaces
            .find(|i| i.attachment == Attachment::Link(0))
            .unwrap();
        end.egress.delay.as_micros()
    });
    assert_eq!((there, back), (2500, 2500));
}

#[test]
fn a_saved_value_is_left_in_the_steps_and_a_variable_is_not() {
    let topology = read("everything.toml", EVERYTHING).unwrap();
    let Work::Steps(steps) = &topology.scenarios[5].work else {
        panic!("not steps");
    };
    let Action::Run(program) = &steps[1].action else {
        panic!("not a program");
    };
    assert_eq!(program.command[1], "it is ${now} with 5ms and $${HOME}");
}

#[test]
fn planned_addresses_give_way_to_those_of_the_file() {
    let text = r#"
        name = "planned"
        network.lan.subnet = "10.0.0.0/29"
        node.a.networks = ["lan"]
        node.b.interface.eth0 = { network = "lan", address = "10.0.0.1" }
        node.c.networks = ["lan"]
        node.d.interface.eth0 = { network = "lan", address = "10.0.0.3" }
        node.e.networks = ["lan"]
    "#;
    let topology = read("lab.toml", text).unwrap();
    let address = |node: &crate::topology::model::Node| node.interfaces[0].addresses[0].to_string();
    let addresses: Vec<_> = topology.nodes.iter().map(address).collect();
    let expected = [
        "10.0.0.2/29",
        "10.0.0.1/29",
        "10.0.0.4/29",
        "10.0.0.3/29",
        "10.0.0.5/29",
    ];
    assert_eq!(addresses, expected);
}

#[test]
fn planned_macs_are_local_unicast_and_stay_the_same() {
    let text = "name = \"x\"\nnetwork.lan = {}\nnode.a = { count = 500, networks = [\"lan\"] }";
    let (one, other) = (
        read("lab.toml", text).unwrap(),
        read("lab.toml", text).unwrap(),
    );
    assert_eq!(one, other);
    let macs = one.nodes.iter().map(|node| node.interfaces[0].mac);
    let macs: std::collections::BTreeSet<_> = macs.collect();
    assert_eq!(macs.len(), 500);
    assert!(macs.iter().all(|mac| mac.0[0] & 0b11 == 0b10));
}

#[test]
fn the_resolved_text_reads_back_to_an_equal_topology() {
    for text in [EVERYTHING, include_str!("good/defaults.toml")] {
        let topology = read("lab.toml", text).unwrap();
        let resolved = crate::topology::resolved_toml(&topology);
        let again = read("resolved.toml", &resolved).unwrap_or_else(|e| panic!("{e}\n{resolved}"));
        assert_eq!(again, topology, "{resolved}");
    }
    let topology = read("lab.toml", EVERYTHING).unwrap();
    insta::assert_snapshot!(crate::topology::resolved_toml(&topology));
}
