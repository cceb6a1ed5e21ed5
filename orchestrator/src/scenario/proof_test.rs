//! Which paths of a broadcast may lose frames.

use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::plan::{LabId, link_conditions, plan};
use crate::topology::{Cells, Found, read_cells};

const LAB: &str = r#"
name = "paths"
vars = { loss = "0%" }
network.lan.subnet = "10.0.0.0/24"
node.s.networks = ["lan"]
node.a.interface.eth0 = { network = "lan", ingress = { loss = "${loss}" } }
node.b.interface.eth0 = { network = "lan", egress = { loss = "50%" }, ingress = { delay = "1ms" } }
[[scenario]]
name = "send"
kind = "broadcast"
from = "s"
to = ["a", "b"]
files = ["image"]
matrix.loss = ["0%", "5%"]
"#;

fn cells() -> Cells {
    let read = read_cells("lab.toml", LAB, Path::new(""), &BTreeMap::new(), &|_| {
        Found::File
    });
    read.unwrap_or_else(|wrong| panic!("{}", wrong.render(false)))
}

/// Judges the paths to `a` and `b` after these cells were run.
fn judged(numbers: &[usize], carrier: Carrier) -> Vec<Delivery> {
    let cells = cells();
    let of = |number: &usize| link_conditions(&cells.cell("send", *number).unwrap().topology);
    let met: Vec<LinkConditions> = numbers.iter().map(of).collect();
    let lab = LabId {
        name: "paths".parse().unwrap(),
        instance: 1,
    };
    let plan = plan(cells.topology(), lab);
    let work = &cells.topology().scenarios[0].work;
    let paths = Paths::of(&plan, work).unwrap().unwrap();
    let from = &work.transfer().unwrap().from;
    deliveries(from, &paths.broadcast.unwrap(), (&met, carrier))
}

#[test]
fn each_receiver_is_judged_by_the_links_on_its_own_path_in_every_cell() {
    let [perfect, impaired] = [Delivery::Perfect, Delivery::Impaired];
    // A delay loses nothing, nor does what a receiver sends matter.
    assert_eq!(judged(&[1], Carrier::Kernel), [perfect, perfect]);
    assert_eq!(judged(&[1, 2], Carrier::Kernel), [impaired, perfect]);
    assert_eq!(judged(&[1], Carrier::Program), [impaired, impaired]);
}
