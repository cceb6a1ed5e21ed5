//! Whether a topology has links that are to be bad.

use crate::topology::Topology;
use crate::topology::model::Interface;

/// Says that a topology has links that nothing here would make bad.
pub(super) fn impaired(topology: &Topology) -> Option<String> {
    topology.nodes.iter().find_map(|node| {
        let bad = |i: &&Interface| !i.egress.is_none() || !i.ingress.is_none();
        let interface = node.interfaces.iter().find(bad)?;
        let end = format!("{}:{}", node.name, interface.name);
        Some(format!(
            "impairments, here of {end}, are carried out by a later version"
        ))
    })
}
