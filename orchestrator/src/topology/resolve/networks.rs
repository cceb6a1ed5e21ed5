//! Networks and their subnets.

use std::collections::BTreeMap;
use std::ops::Range;

use ipnet::IpNet;
use protocol::name::NetworkName;

use super::context::Context;
use crate::topology::document::shape::NetworkEntry;
use crate::topology::document::word::Subnet;
use crate::topology::document::{Named, OneOrMany, Written};
use crate::topology::model::Network;

/// A broadcast domain in the making: a network or a wire.
#[derive(Debug)]
pub(super) struct Segment {
    /// Its name in messages.
    pub(super) title: String,
    /// Where the file defines it.
    pub(super) span: Range<usize>,
    /// Its subnets, each with its place.
    pub(super) subnets: Vec<(IpNet, Range<usize>)>,
}

/// Reads all networks.
pub(super) fn read(
    cx: &Context<'_>,
    entries: &Named<NetworkEntry>,
    taken: &mut Vec<(IpNet, String)>,
) -> BTreeMap<NetworkName, Segment> {
    let mut networks = BTreeMap::new();
    for (key, entry) in &entries.0 {
        let subnets = subnets(cx, &entry.subnet, &key.value, taken);
        let number = key.value.strip_prefix("link-");
        if number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())) {
            let message = format!("`{}` is what a [[link]] is called", key.value);
            cx.mistake(&key.span, message, "write another name");
        }
        if let Some(name) = cx.key::<NetworkName>(key) {
            let segment = Segment {
                title: key.value.clone(),
                span: key.span.clone(),
                subnets,
            };
            networks.insert(name, segment);
        }
    }
    networks
}

/// Reads a segment's subnets. None may overlap another in the file: an address could not tell which
/// is meant, nor could a route.
pub(super) fn subnets(
    cx: &Context<'_>,
    written: &OneOrMany<Written<Subnet>>,
    title: &str,
    taken: &mut Vec<(IpNet, String)>,
) -> Vec<(IpNet, Range<usize>)> {
    let mut subnets = Vec::new();
    for word in &written.0 {
        let Some(Subnet(subnet)) = cx.get(word) else {
            continue;
        };
        let overlaps = |other: &IpNet| subnet.contains(other) || other.contains(&subnet);
        match taken.iter().find(|(other, _)| overlaps(other)) {
            Some((other, owner)) => cx.mistake(
                &word.span(),
                format!("{title}'s subnet {subnet} overlaps {owner}'s {other}"),
                "write a subnet of its own",
            ),
            None => taken.push((subnet, title.to_owned())),
        }
        subnets.push((subnet, word.span()));
    }
    subnets
}

/// The checked network.
pub(super) fn finished(name: &NetworkName, segment: &Segment) -> Network {
    Network {
        name: name.clone(),
        subnets: segment.subnets.iter().map(|(subnet, _)| *subnet).collect(),
    }
}
