//! Which ports hear each other, across switches, hubs and VLANs.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::gns3::device::Switch;

/// A switch and one of its VLANs; what knows none has only the first.
pub type Domain = (Uuid, u32);

/// The VLANs that a port of a switch carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortVlans {
    /// One VLAN.
    One(u32),
    /// All of them, tagged but for this one.
    All(u32),
}

/// The VLAN of what knows none.
pub const UNTAGGED: u32 = 1;

/// Returns the VLANs that a port carries; one that the project does not describe is an access port.
pub fn carries(switch: &Switch, port: u32) -> PortVlans {
    let found = switch.port(port);
    let vlan = found.and_then(|port| port.vlan).unwrap_or(UNTAGGED);
    match found.and_then(|port| port.kind.as_deref()) {
        Some("dot1q" | "qinq") => PortVlans::All(vlan),
        _ => PortVlans::One(vlan),
    }
}

/// Domains that are joined by links between switches.
#[derive(Debug, Default)]
pub struct Segments {
    /// Each domain's next on the way to the one that stands for all that are joined.
    next: BTreeMap<Domain, Domain>,
    /// The VLANs that each switch's ports have.
    vlans: BTreeMap<Uuid, BTreeSet<u32>>,
}

impl Segments {
    /// A switch with these ports.
    pub fn add(&mut self, id: Uuid, switch: &Switch) {
        let ports = switch.ports_mapping.iter();
        let vlans = ports.filter_map(|port| port.vlan).chain([UNTAGGED]);
        self.vlans.entry(id).or_default().extend(vlans);
    }

    /// Joins what a link between two switches joins.
    pub fn join(&mut self, one: (Uuid, PortVlans), other: (Uuid, PortVlans)) {
        match (one.1, other.1) {
            (PortVlans::All(_), PortVlans::All(_)) => {
                let vlans = [one.0, other.0].map(|id| self.vlans.get(&id).cloned());
                for vlan in vlans.into_iter().flatten().flatten() {
                    self.unite((one.0, vlan), (other.0, vlan));
                }
            }
            (PortVlans::One(a) | PortVlans::All(a), PortVlans::One(b) | PortVlans::All(b)) => {
                self.unite((one.0, a), (other.0, b));
            }
        }
    }

    /// The domain that stands for this one and all that are joined with it.
    pub fn of(&self, mut domain: Domain) -> Domain {
        while let Some(next) = self.next.get(&domain) {
            domain = *next;
        }
        domain
    }

    fn unite(&mut self, one: Domain, other: Domain) {
        let (one, other) = (self.of(one), self.of(other));
        if one != other {
            self.next.insert(other, one);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vlans_are_apart_and_a_trunk_joins_them_each_with_its_own() {
        let [a, b] = [1, 2].map(Uuid::from_u128);
        let mut switch = Switch::with_ports(3);
        switch.ports_mapping[1].vlan = Some(10);
        switch.ports_mapping[2].kind = Some("dot1q".to_owned());
        let mut segments = Segments::default();
        segments.add(a, &switch);
        segments.add(b, &switch);
        segments.join((a, carries(&switch, 2)), (b, carries(&switch, 2)));
        assert_eq!(segments.of((b, 1)), segments.of((a, 1)));
        assert_eq!(segments.of((b, 10)), segments.of((a, 10)));
        assert_ne!(segments.of((a, 1)), segments.of((a, 10)));
    }
}
