//! The sum of the impairments between two nodes.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use protocol::link::Conditions;
use protocol::unit::{Percent, Rate};

use super::model::{Attachment, Interface, Node, Topology};

/// The way between two nodes: the shortest, across nodes that forward.
#[derive(Debug, Clone, PartialEq)]
pub struct Path<'a> {
    /// One of them.
    pub from: &'a Node,
    /// The other.
    pub to: &'a Node,
    /// The conditions on the way there.
    pub there: PathConditions,
    /// The conditions on the way back.
    pub back: PathConditions,
}

/// The conditions of a path in one direction.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct PathConditions {
    /// All delays together.
    pub delay: Duration,
    /// The probability of loss on any of the links.
    pub loss: Percent,
    /// The narrowest link's rate.
    pub rate: Option<Rate>,
}

impl Path<'_> {
    /// The round-trip time.
    pub fn rtt(&self) -> Duration {
        self.there.delay + self.back.delay
    }

    /// Whether both directions are perfect.
    pub fn is_perfect(&self) -> bool {
        self.there == PathConditions::default() && self.back == PathConditions::default()
    }
}

/// The paths between all pairs of nodes that reach each other, in the file's order.
pub fn paths(topology: &Topology) -> impl Iterator<Item = Path<'_>> {
    let segments = Segments::new(topology);
    (0..topology.nodes.len()).flat_map(move |from| segments.from(from))
}

/// The nodes plugged into each segment.
struct Segments<'a> {
    nodes: &'a [Node],
    plugged: BTreeMap<&'a Attachment, Vec<(usize, &'a Interface)>>,
}

impl<'a> Segments<'a> {
    fn new(topology: &'a Topology) -> Self {
        let mut plugged: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (place, node) in topology.nodes.iter().enumerate() {
            for interface in &node.interfaces {
                plugged
                    .entry(&interface.attachment)
                    .or_default()
                    .push((place, interface));
            }
        }
        Self {
            nodes: &topology.nodes,
            plugged,
        }
    }

    /// The paths from one node to all that come after it, found breadth first.
    fn from(&self, from: usize) -> Vec<Path<'a>> {
        let mut met = BTreeMap::from([(from, [PathConditions::default(); 2])]);
        let mut queue = VecDeque::from([from]);
        while let Some(place) = queue.pop_front() {
            let node = &self.nodes[place];
            if place != from && !node.forward {
                continue;
            }
            let so_far = met.get(&place).copied().unwrap_or_default();
            for interface in &node.interfaces {
                let plugged = self.plugged.get(&interface.attachment);
                for (next, other) in plugged.into_iter().flatten() {
                    if !met.contains_key(next) {
                        let [there, back] = so_far;
                        let there = there.then(&interface.egress).then(&other.ingress);
                        let back = back.then(&other.egress).then(&interface.ingress);
                        met.insert(*next, [there, back]);
                        queue.push_back(*next);
                    }
                }
            }
        }
        let after = met.range(from + 1..).map(|(&to, &[there, back])| Path {
            from: &self.nodes[from],
            to: &self.nodes[to],
            there,
            back,
        });
        after.collect()
    }
}

impl PathConditions {
    /// These, and then those of one more direction of a link.
    fn then(self, next: &Conditions) -> Self {
        let passing = (1.0 - self.loss.0 / 100.0) * (1.0 - next.loss.0 / 100.0);
        Self {
            delay: self.delay.saturating_add(next.delay),
            loss: match (self.loss.0, next.loss.0) {
                (0.0, _) => next.loss,
                (_, 0.0) => self.loss,
                _ => Percent((1.0 - passing) * 100.0),
            },
            rate: [self.rate, next.rate].into_iter().flatten().min(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_conditions_on_the_way_add_up() {
        let text = r#"
            name = "path"
            network.a.subnet = "10.1.0.0/24"
            network.b.subnet = "10.2.0.0/24"
            [node.one.interface.eth0]
            network = "a"
            egress = { delay = "10ms", loss = "50%", rate = "10mbit" }
            [node.router]
            networks = ["a", "b"]
            forward = true
            [node.two.interface.eth0]
            network = "b"
            ingress = { delay = "5ms", loss = "50%", rate = "2mbit" }
            [node.alone]
        "#;
        let base = std::path::Path::new("");
        let read = crate::topology::read("lab.toml", text, base, &BTreeMap::new(), &|_| {
            crate::topology::Found::File
        });
        let topology = read.unwrap();
        let all: Vec<_> = paths(&topology).collect();
        let names: Vec<_> = all
            .iter()
            .map(|p| (p.from.name.as_str(), p.to.name.as_str()))
            .collect();
        assert_eq!(
            names,
            [("one", "router"), ("one", "two"), ("router", "two")]
        );
        assert_eq!(all[1].rtt(), Duration::from_millis(15));
        assert_eq!(all[1].there.loss, Percent(75.0));
        assert_eq!(all[1].there.rate, Some(Rate(2_000_000)));
        assert_eq!(all[1].back, PathConditions::default());
    }
}
