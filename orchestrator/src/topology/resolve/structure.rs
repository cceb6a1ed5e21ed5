//! The structure of a lab: all that stays the same from cell to cell.

use std::collections::BTreeMap;

use protocol::name::{InterfaceName, LabName, NetworkName};

use super::addresses::{self, Segments};
use super::context::Context;
use super::links::Wiring;
use super::networks::{self, Segment};
use super::nodes::{self, Draft, Names};
use crate::topology::document::Document;
use crate::topology::model::{Attachment, Link, Network, Node};

/// A lab without its links' conditions and its scenarios.
#[derive(Debug)]
pub(in crate::topology) struct Structure {
    pub(super) name: Option<LabName>,
    pub(super) networks: BTreeMap<NetworkName, Network>,
    pub(super) names: Names,
    /// The nodes, whose links are perfect.
    pub(super) drafts: Vec<Draft>,
    pub(super) links: Vec<Link>,
    /// The ends of wires that have a table of their own, each with its interface and the table's place.
    pub(super) tables: BTreeMap<(usize, usize), (InterfaceName, (usize, usize))>,
}

/// Reads the structure of the lab.
pub(super) fn read(cx: &Context<'_>, document: &Document) -> Structure {
    let name = cx.need(&document.name, &(0..0), "name");
    let mut taken = Vec::new();
    let networks = networks::read(cx, &document.network, &mut taken);
    let (mut drafts, names) = nodes::read(cx, document, &networks);
    let mut wiring = Wiring {
        drafts: &mut drafts,
        names: &names,
        links: Vec::new(),
        segments: Vec::new(),
    };
    wiring.read(cx, &document.link, &mut taken);
    let (links, wires) = (wiring.links, wiring.segments);
    let segments = Segments {
        networks: &networks,
        links: &wires,
    };
    addresses::assign(cx, name.as_ref(), &mut drafts, segments);
    for draft in &mut drafts {
        routes(cx, draft);
    }
    ports(cx, &networks, &drafts);
    let tables = drafts.iter().flat_map(|draft| &draft.ports);
    let tables = tables.filter_map(|port| Some((port.wire?, (port.name.clone(), port.table?))));
    let tables = tables.collect();
    let networks = networks
        .iter()
        .map(|(name, segment)| (name.clone(), networks::finished(name, segment)));
    Structure {
        name,
        networks: networks.collect(),
        names,
        drafts,
        links,
        tables,
    }
}

impl Structure {
    /// Returns the nodes.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.drafts.iter().map(|draft| &draft.node)
    }

    /// Whether the other structure has the same networks, links and nodes.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.name == other.name
            && self.networks == other.networks
            && self.links == other.links
            && self.nodes().eq(other.nodes())
    }
}

/// Takes over the routes that the file gives. Each must lead to a neighbour.
fn routes(cx: &Context<'_>, draft: &mut Draft) {
    for (route, span) in std::mem::take(&mut draft.routes) {
        let mut nets = draft.node.interfaces.iter().flat_map(|i| &i.addresses);
        if !nets.any(|net| net.contains(&route.via)) {
            let message = format!(
                "no interface of {} is in {}'s subnet",
                draft.node.name, route.via
            );
            cx.mistake(&span, message, "write the address of a neighbour");
        }
        draft.node.routes.push(route);
    }
}

/// Checks that no network has more than [`MOST_PORTS`] interfaces.
fn ports(cx: &Context<'_>, networks: &BTreeMap<NetworkName, Segment>, drafts: &[Draft]) {
    let interfaces = drafts.iter().flat_map(|draft| &draft.node.interfaces);
    let mut counts: BTreeMap<&NetworkName, usize> = BTreeMap::new();
    for interface in interfaces {
        if let Attachment::Network(name) = &interface.attachment {
            *counts.entry(name).or_default() += 1;
        }
    }
    for (name, count) in counts.into_iter().filter(|(_, count)| *count > MOST_PORTS) {
        if let Some(segment) = networks.get(name) {
            cx.mistake(
                &segment.span,
                format!("{count} interfaces are on {name}, and a bridge has {MOST_PORTS} ports"),
                "spread the nodes over several networks",
            );
        }
    }
}

/// `BR_MAX_PORTS` less the number that no port has, the kernel's `net/bridge/br_private.h`.
const MOST_PORTS: usize = 1023;
