//! Shortest paths across the nodes that forward.
//!
//! For each segment and family of addresses, a search goes outward from the segment, from one
//! forwarding node to the next. Each step is one further from the goal, so every node's next hop is
//! one nearer to it: the routes cannot loop.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use ipnet::IpNet;
use protocol::settings::Route;

use crate::topology::Topology;
use crate::topology::model::{Attachment, Node};

/// The routes of every node of a topology.
pub(super) struct Routing<'a> {
    goals: Vec<Goal<'a>>,
}

/// A segment's subnets of one family, and how far every other segment is from them.
struct Goal<'a> {
    segment: &'a Attachment,
    subnets: Vec<IpNet>,
    is_ipv4: bool,
    hops: BTreeMap<&'a Attachment, Hop>,
}

/// The way on from a segment.
#[derive(Clone, Copy)]
struct Hop {
    /// The number of nodes that must forward.
    distance: u32,
    /// The first of them, by its address on the segment.
    via: IpAddr,
}

impl<'a> Routing<'a> {
    /// Finds the way from every segment to every other.
    pub(super) fn new(topology: &'a Topology) -> Self {
        let routers: Vec<&Node> = topology.nodes.iter().filter(|node| node.forward).collect();
        let interfaces = topology.nodes.iter().flat_map(|node| &node.interfaces);
        let mut subnets: BTreeMap<(&Attachment, bool), Vec<IpNet>> = BTreeMap::new();
        for interface in interfaces.filter(|_| !routers.is_empty()) {
            for address in &interface.addresses {
                let key = (&interface.attachment, address.addr().is_ipv4());
                let known = subnets.entry(key).or_default();
                if !known.contains(&address.trunc()) {
                    known.push(address.trunc());
                }
            }
        }
        let goals = subnets
            .into_iter()
            .map(|((segment, is_ipv4), subnets)| Goal {
                segment,
                subnets,
                is_ipv4,
                hops: search(segment, is_ipv4, &routers),
            });
        Self {
            goals: goals.collect(),
        }
    }

    /// The routes of one node: to each subnet that it is not on and reaches, by the nearest way.
    pub(super) fn of(&self, node: &Node) -> Vec<Route> {
        let mut routes = Vec::new();
        for goal in &self.goals {
            let mut ways: Vec<&Hop> = Vec::new();
            for (segment, _) in addresses(node, goal.is_ipv4) {
                if segment == goal.segment {
                    ways.clear();
                    break;
                }
                ways.extend(goal.hops.get(segment));
            }
            if let Some(hop) = ways.iter().min_by_key(|hop| hop.distance) {
                let via = hop.via;
                routes.extend(goal.subnets.iter().map(|&to| Route { to, via }));
            }
        }
        routes
    }
}

/// Breadth first, outward from `goal`; among equals, the first in the file.
fn search<'a>(
    goal: &'a Attachment,
    is_ipv4: bool,
    routers: &[&'a Node],
) -> BTreeMap<&'a Attachment, Hop> {
    let mut hops: BTreeMap<&Attachment, Hop> = BTreeMap::new();
    let mut queue = VecDeque::from([(goal, 0)]);
    while let Some((near, distance)) = queue.pop_front() {
        let on_it = |node: &&&Node| addresses(node, is_ipv4).any(|(segment, _)| segment == near);
        for router in routers.iter().filter(on_it) {
            for (far, via) in addresses(router, is_ipv4) {
                if far != goal && !hops.contains_key(far) {
                    let distance = distance + 1;
                    hops.insert(far, Hop { distance, via });
                    queue.push_back((far, distance));
                }
            }
        }
    }
    hops
}

/// The segments that a node is on with an address of that family, and its first one on each.
fn addresses(node: &Node, is_ipv4: bool) -> impl Iterator<Item = (&Attachment, IpAddr)> {
    node.interfaces.iter().filter_map(move |interface| {
        let mut addresses = interface.addresses.iter().map(IpNet::addr);
        let address = addresses.find(|address| address.is_ipv4() == is_ipv4)?;
        Some((&interface.attachment, address))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::fmt::Write;
    use std::path::Path;

    use proptest::prelude::*;

    use super::super::{LabId, Plan, plan};
    use super::*;

    fn planned(text: &str) -> (Topology, Plan) {
        let topology =
            crate::topology::read("lab.toml", text, Path::new(""), &BTreeMap::new(), &|_| {
                crate::topology::Found::File
            })
            .unwrap();
        let lab = LabId {
            name: topology.name.clone(),
            instance: 0,
        };
        let plan = plan(&topology, lab);
        (topology, plan)
    }

    /// Where a packet for `to` ends that `from` sends: it goes by the planned routes alone.
    fn arrives(topology: &Topology, plan: &Plan, from: usize, to: IpNet) -> bool {
        let mut at = from;
        for _ in 0..=plan.nodes.len() {
            let settings = &plan.nodes[at].settings;
            let mut on = settings.interfaces.iter().flat_map(|i| &i.addresses);
            if on.any(|address| address.trunc() == to) {
                return true;
            }
            let Some(route) = settings.routes.iter().find(|route| route.to == to) else {
                return false;
            };
            let owns = |node: &Node| {
                let mut addresses = node.interfaces.iter().flat_map(|i| &i.addresses);
                addresses.any(|address| address.addr() == route.via)
            };
            at = topology.nodes.iter().position(owns).unwrap();
            assert!(
                topology.nodes[at].forward,
                "a route through a node that does not forward"
            );
        }
        panic!("a loop on the way to {to}");
    }

    /// The segments that can be reached from a node, by nothing but who is on what and forwards.
    fn reachable(topology: &Topology, from: &Node, is_ipv4: bool) -> BTreeSet<Attachment> {
        let on = |node: &Node| -> BTreeSet<Attachment> {
            addresses(node, is_ipv4)
                .map(|(segment, _)| segment.clone())
                .collect()
        };
        let mut seen = on(from);
        loop {
            let before = seen.len();
            for router in topology.nodes.iter().filter(|node| node.forward) {
                if !on(router).is_disjoint(&seen) {
                    seen.extend(on(router));
                }
            }
            if seen.len() == before {
                return seen;
            }
        }
    }

    fn lab() -> impl Strategy<Value = String> {
        let node = (
            proptest::collection::btree_set(0_usize..6, 1..4),
            any::<bool>(),
        );
        let nodes = proptest::collection::vec(node, 1..10);
        let alike = (0_u8..3).prop_map(|family| vec![family; 6]);
        let mixed = proptest::collection::vec(0_u8..3, 6);
        (nodes, prop_oneof![alike, mixed]).prop_map(|(nodes, families)| {
            let mut text = "name = \"random\"\n".to_owned();
            for (n, family) in families.iter().enumerate() {
                let subnets = match family {
                    0 => format!("\"10.{n}.0.0/24\""),
                    1 => format!("\"fd0{n}::/64\""),
                    _ => format!("\"10.{n}.0.0/24\", \"fd0{n}::/64\""),
                };
                writeln!(text, "[network.n{n}]\nsubnet = [{subnets}]").unwrap();
            }
            for (n, (networks, forward)) in nodes.iter().enumerate() {
                let networks: Vec<_> = networks.iter().map(|n| format!("n{n}")).collect();
                writeln!(
                    text,
                    "[node.x{n}]\nforward = {forward}\nnetworks = {networks:?}"
                )
                .unwrap();
            }
            text
        })
    }

    proptest! {
        #[test]
        fn every_node_reaches_what_forwarding_nodes_lead_to(text in lab()) {
            let (topology, plan) = planned(&text);
            for (place, node) in topology.nodes.iter().enumerate() {
                for network in topology.networks.values() {
                    let segment = Attachment::Network(network.name.clone());
                    for &to in &network.subnets {
                        let reached = reachable(&topology, node, to.addr().is_ipv4());
                        let found = arrives(&topology, &plan, place, to);
                        prop_assert_eq!(found, reached.contains(&segment), "{} to {}", node.name, to);
                    }
                }
            }
        }
    }

    #[test]
    fn a_route_takes_the_nearest_way_in_both_families() {
        let (_, plan) = planned(
            r#"
            name = "ring"
            network.a.subnet = ["10.1.0.0/24", "fd01::/64"]
            network.b.subnet = ["10.2.0.0/24", "fd02::/64"]
            network.c.subnet = ["10.3.0.0/24", "fd03::/64"]
            node.host.networks = ["a"]
            node.long.networks = ["a", "b"]
            node.long.forward = true
            node.far.networks = ["b", "c"]
            node.far.forward = true
            node.short.networks = ["a", "c"]
            node.short.forward = true
            "#,
        );
        let routes = &plan.nodes[0].settings.routes;
        let texts: Vec<_> = routes
            .iter()
            .map(|r| format!("{} via {}", r.to, r.via))
            .collect();
        assert_eq!(
            texts,
            [
                "fd02::/64 via fd01::2",
                "10.2.0.0/24 via 10.1.0.2",
                "fd03::/64 via fd01::3",
                "10.3.0.0/24 via 10.1.0.3",
            ]
        );
    }

    #[test]
    fn routes_given_by_the_file_stand_in_place_of_planned_ones() {
        let (_, plan) = planned(
            r#"
            name = "given"
            network.a.subnet = "10.1.0.0/24"
            network.b.subnet = "10.2.0.0/24"
            node.host.networks = ["a"]
            node.host.routes = ["default via 10.1.0.2"]
            node.router.networks = ["a", "b"]
            node.router.forward = true
            "#,
        );
        let routes = &plan.nodes[0].settings.routes;
        assert_eq!(routes.len(), 1);
        assert_eq!(routes[0].to.to_string(), "0.0.0.0/0");
    }
}
