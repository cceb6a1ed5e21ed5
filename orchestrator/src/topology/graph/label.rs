//! The labels of nodes, networks and edges.

use std::time::Duration;

use ipnet::IpNet;
use protocol::link::Conditions;
use protocol::unit::{Percent, Time};

use crate::topology::model::{Interface, Node};

/// A node's addresses, `eth0 192.168.122.5/24` a line.
pub(super) fn addresses(node: &Node) -> Vec<String> {
    let interfaces = node.interfaces.iter();
    let lines = interfaces.flat_map(|interface| {
        let addresses = interface.addresses.iter();
        addresses.map(move |address| format!("{} {address}", interface.name))
    });
    lines.collect()
}

/// A network's subnets in a line.
pub(super) fn subnets(subnets: &[IpNet]) -> String {
    let texts: Vec<_> = subnets.iter().map(IpNet::to_string).collect();
    texts.join(" · ")
}

/// Returns the label of an edge: the interface, and the impairment of each direction.
pub(super) fn edge(interface: &Interface) -> Vec<String> {
    let mut lines = vec![interface.name.to_string()];
    for (word, impairment) in [("out", &interface.egress), ("in", &interface.ingress)] {
        lines.extend(conditions(impairment).map(|condition| format!("{word} {condition}")));
    }
    lines
}

/// Time, losses and rate, a line each.
fn conditions(impairment: &Conditions) -> impl Iterator<Item = String> {
    let time = |time: Duration, sign| (!time.is_zero()).then(|| format!("{sign}{}", Time(time)));
    let times = [time(impairment.delay, ""), time(impairment.jitter, "±")];
    let share = |share: Percent, word| (share.0 > 0.0).then(|| format!("{share} {word}"));
    let shares = [
        share(impairment.loss, "loss"),
        share(impairment.duplicate, "twice"),
        share(impairment.corrupt, "corrupt"),
        share(impairment.reorder, "reorder"),
    ];
    let rate = impairment.rate.map(|rate| rate.to_string());
    let queue = impairment.queue.map(|queue| format!("queue {queue}"));
    let lines = [times.to_vec(), shares.to_vec(), vec![rate, queue]];
    let lines = lines.map(|words| words.into_iter().flatten().collect::<Vec<_>>());
    lines
        .into_iter()
        .filter(|words| !words.is_empty())
        .map(|words| words.join(" "))
}
