//! The interfaces that a node's own table gives.

use std::collections::BTreeMap;
use std::ops::Range;

use protocol::name::{InterfaceName, NetworkName};
use protocol::settings::MacAddress;

use super::context::Context;
use super::networks::Segment;
use crate::topology::document::At;
use crate::topology::document::shape::{InterfaceEntry, NodeEntry};
use crate::topology::document::word::Address;
use crate::topology::model::Attachment;
use crate::topology::suggestion::instead_of;

/// An interface in the making.
#[derive(Debug, Clone)]
pub(super) struct Port {
    pub(super) name: InterfaceName,
    /// The place in the file that defines it.
    pub(super) span: Range<usize>,
    /// The segment that it is plugged into, once that is known.
    pub(super) attachment: Option<Attachment>,
    /// Whether its segment in the file is wrong, which has been noted.
    pub(super) dangling: bool,
    /// The addresses that the file gives.
    pub(super) addresses: Vec<(Address, Range<usize>)>,
    /// The MAC address that the file gives.
    pub(super) mac: Option<(MacAddress, Range<usize>)>,
    /// The place of its own table in the document: the node's place, and the table's in the node.
    pub(super) table: Option<(usize, usize)>,
    /// The wire that it is an end of, by its place in the document, and which of the two ends.
    pub(super) wire: Option<(usize, usize)>,
}

/// Reads the interfaces of the node at a place in the document. `count` nodes are made of it.
pub(super) fn read(
    cx: &Context<'_>,
    (place, entry): (usize, &NodeEntry),
    networks: &BTreeMap<NetworkName, Segment>,
    count: u32,
) -> Vec<Port> {
    let mut ports = Vec::new();
    for (index, written) in entry.networks.0.iter().enumerate() {
        let network = cx.get(written);
        let known = network.filter(|name| is_known(cx, name, networks, &written.span()));
        if let Ok(name) = format!("eth{index}").parse() {
            let mut port = Port::new(name, written.span());
            port.dangling = known.is_none();
            port.attachment = known.map(Attachment::Network);
            ports.push(port);
        }
    }
    for (index, (key, entry)) in entry.interface.0.iter().enumerate() {
        let Some(name) = cx.key::<InterfaceName>(key) else {
            continue;
        };
        let mut port = port(cx, key, entry, name, networks);
        port.table = Some((place, index));
        if count > 1 {
            shared(cx, entry);
        }
        if ports.iter().any(|other| other.name == port.name) {
            cx.mistake(
                &key.span,
                format!("{} is already one of `networks`", key.value),
                format!(
                    "call this one eth{}, or take it out of `networks`",
                    ports.len()
                ),
            );
            continue;
        }
        ports.push(port);
    }
    ports
}

impl Port {
    /// Returns an interface of which the file gives nothing but the name.
    pub(super) fn new(name: InterfaceName, span: Range<usize>) -> Self {
        Self {
            name,
            span,
            attachment: None,
            dangling: false,
            addresses: Vec::new(),
            mac: None,
            table: None,
            wire: None,
        }
    }
}

fn port(
    cx: &Context<'_>,
    key: &At<String>,
    entry: &InterfaceEntry,
    name: InterfaceName,
    networks: &BTreeMap<NetworkName, Segment>,
) -> Port {
    if name.as_str() == "lo" {
        cx.mistake(
            &key.span,
            "`lo` is every node's loopback",
            "write another name: eth0",
        );
    }
    let network = cx.get(&entry.network);
    let known = network.filter(|name| is_known(cx, name, networks, &entry.network.span()));
    let addresses = entry.address.0.iter();
    let mac = cx.get(&entry.mac).map(|mac| (mac, entry.mac.span()));
    Port {
        dangling: known.is_none() && !entry.network.is_absent(),
        attachment: known.map(Attachment::Network),
        addresses: addresses
            .filter_map(|w| Some((cx.get(w)?, w.span())))
            .collect(),
        mac,
        ..Port::new(name, key.span.clone())
    }
}

/// Reports keys of an entry for several nodes that only one node can have.
fn shared(cx: &Context<'_>, entry: &InterfaceEntry) {
    let remedy = "leave it out to have one planned for each, or write the nodes one by one";
    let message = "several nodes cannot share one address";
    for address in &entry.address.0 {
        cx.mistake(&address.span(), message, remedy);
    }
    if !entry.mac.is_absent() {
        cx.mistake(&entry.mac.span(), message, remedy);
    }
}

fn is_known(
    cx: &Context<'_>,
    name: &NetworkName,
    networks: &BTreeMap<NetworkName, Segment>,
    span: &Range<usize>,
) -> bool {
    let known = networks.contains_key(name);
    if !known {
        let names: Vec<&NetworkName> = networks.keys().collect();
        let remedy = if names.is_empty() {
            format!("define it: [network.{name}]")
        } else {
            instead_of(name.as_str(), &names)
        };
        cx.mistake(span, format!("there is no network called {name}"), remedy);
    }
    known
}
