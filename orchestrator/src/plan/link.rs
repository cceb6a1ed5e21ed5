//! Links as planned: one for each port of a network and one for each wire, with the conditions that a cell gives
//! their two directions.

use std::collections::BTreeMap;
use std::fmt;

use protocol::link::{Conditions, Direction, LinkId, Port};
use serde::{Deserialize, Serialize};

use super::Carrier;
use crate::topology::Topology;
use crate::topology::model::Attachment;

/// An end of a link: an interface, with the conditions of both directions there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedEnd {
    /// The interface.
    pub port: Port,
    /// The interface at the other end of a wire; none on a network.
    pub peer: Option<Port>,
    /// Conditions from the node.
    pub egress: Conditions,
    /// Conditions to the node.
    pub ingress: Conditions,
}

/// A link: between an interface and its network, or between the two interfaces of a wire.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlannedLink<'a> {
    /// The end that it is known by: of a wire the one that the plan lists first.
    pub near: &'a PlannedEnd,
    /// The other end of a wire.
    pub far: Option<&'a PlannedEnd>,
}

/// The links of a lab with their conditions in one cell. Links are the same in every cell; conditions may differ.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LinkConditions(Vec<PlannedEnd>);

/// Returns the links of a topology, a cell's or the file's own, with their conditions.
pub fn link_conditions(topology: &Topology) -> LinkConditions {
    let mut wires: BTreeMap<usize, Vec<Port>> = BTreeMap::new();
    let mut ends = Vec::new();
    for node in &topology.nodes {
        for interface in &node.interfaces {
            let port = Port {
                node: node.name.clone(),
                interface: interface.name.clone(),
            };
            let wire = match interface.attachment {
                Attachment::Network(_) => None,
                Attachment::Link(place) => Some(place),
            };
            if let Some(place) = wire {
                wires.entry(place).or_default().push(port.clone());
            }
            let end = PlannedEnd {
                port,
                peer: None,
                egress: interface.egress,
                ingress: interface.ingress,
            };
            ends.push((end, wire));
        }
    }
    let joined = ends.into_iter().map(|(end, wire)| {
        let plugged = wire.and_then(|place| wires.get(&place));
        let mut others = plugged.into_iter().flatten();
        let peer = others.find(|other| **other != end.port).cloned();
        PlannedEnd { peer, ..end }
    });
    LinkConditions(joined.collect())
}

impl LinkConditions {
    /// Returns every end of every link, node by node in the file's order.
    pub fn ends(&self) -> impl Iterator<Item = &PlannedEnd> {
        self.0.iter()
    }

    /// Returns the directions that are not perfect.
    pub fn imperfect(&self) -> BTreeMap<LinkId, Conditions> {
        let ends = self.0.iter();
        let directions = ends.flat_map(|end| {
            let [egress, ingress] = LinkId::both(&end.port);
            [(egress, end.egress), (ingress, end.ingress)]
        });
        directions
            .filter(|(_, conditions)| !conditions.is_perfect())
            .collect()
    }

    /// Returns every link, in the order of the ends that they are known by.
    pub fn links(&self) -> Vec<PlannedLink<'_>> {
        let places = self.0.iter().enumerate();
        let places: BTreeMap<&Port, usize> =
            places.map(|(place, end)| (&end.port, place)).collect();
        let ends = self.0.iter().enumerate();
        let links = ends.filter_map(|(place, near)| {
            let far = near.peer.as_ref().and_then(|peer| places.get(peer));
            let is_first = far.is_none_or(|far| place < *far);
            is_first.then(|| PlannedLink {
                near,
                far: far.and_then(|far| self.0.get(*far)),
            })
        });
        links.collect()
    }

    /// Returns the conditions of one direction: perfect ones where the lab has no such interface.
    pub fn of(&self, id: &LinkId) -> Conditions {
        let end = self.0.iter().find(|end| end.port == id.port);
        end.map_or_else(Conditions::default, |end| match id.direction {
            Direction::Egress => end.egress,
            Direction::Ingress => end.ingress,
        })
    }

    /// Returns whether all that lies between two interfaces of a segment delivers every frame.
    pub fn is_lossless(&self, [from, to]: [&Port; 2], carrier: Carrier) -> bool {
        crossed([from, to])
            .iter()
            .all(|id| carrier.is_lossless(&self.of(id)))
    }
}

impl<'a> PlannedLink<'a> {
    /// Returns the conditions that a frame meets from the near end and back to it, in the order that it meets them.
    pub fn directions(&self) -> [Vec<&'a Conditions>; 2] {
        let Self { near, far } = *self;
        match far {
            None => [vec![&near.egress], vec![&near.ingress]],
            Some(far) => [
                vec![&near.egress, &far.ingress],
                vec![&far.egress, &near.ingress],
            ],
        }
    }
}

/// Returns the directions that a frame crosses between two interfaces of a segment, be it a network or a wire.
pub fn crossed([from, to]: [&Port; 2]) -> [LinkId; 2] {
    let id = |port: &Port, direction| LinkId {
        port: port.clone(),
        direction,
    };
    [id(from, Direction::Egress), id(to, Direction::Ingress)]
}

impl fmt::Display for PlannedLink<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.near.port)?;
        match self.far {
            Some(far) => write!(out, "–{}", far.port),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
#[path = "link_test.rs"]
mod tests;
