//! Direct wires: their ends become interfaces.

use std::ops::Range;

use ipnet::IpNet;

use super::context::Context;
use super::interfaces::Port;
use super::networks::{self, Segment};
use super::nodes::{Draft, Names};
use crate::topology::document::shape::LinkEntry;
use crate::topology::document::{At, Many, Written};
use crate::topology::model::{Attachment, Link, LinkEnd};

/// The nodes that wires are plugged into, and what is known of the wires so far.
pub(super) struct Wiring<'a> {
    pub(super) drafts: &'a mut [Draft],
    pub(super) names: &'a Names,
    /// The wires.
    pub(super) links: Vec<Link>,
    /// Their subnets, in the same order.
    pub(super) segments: Vec<Segment>,
}

impl Wiring<'_> {
    /// Reads all wires.
    pub(super) fn read(
        &mut self,
        cx: &Context<'_>,
        entries: &Many<At<LinkEntry>>,
        taken: &mut Vec<(IpNet, String)>,
    ) {
        for place in 0..entries.0.len() {
            self.read_one(cx, (place, &entries.0[place]), taken);
        }
    }

    fn read_one(
        &mut self,
        cx: &Context<'_>,
        (place, entry): (usize, &At<LinkEntry>),
        taken: &mut Vec<(IpNet, String)>,
    ) {
        let wire = &entry.value;
        let ends = self.ends(cx, wire, &entry.span);
        let title = match &ends {
            Some([a, b]) => format!("link {}:{}–{}:{}", a.node, a.interface, b.node, b.interface),
            None => "a link".to_owned(),
        };
        let subnets = networks::subnets(cx, &wire.subnet, &title, taken);
        let Some(ends) = ends else {
            return;
        };
        let link = self.links.len();
        for (index, end) in ends.iter().enumerate() {
            let span = wire.ends.value.0[index].span();
            if let Some(port) = self.plug(cx, end, link, &span) {
                port.wire = port.wire.or(Some((place, index)));
            }
        }
        self.links.push(Link {
            ends,
            subnets: subnets.iter().map(|(subnet, _)| *subnet).collect(),
        });
        self.segments.push(Segment {
            title,
            span: wire.ends.span.clone(),
            subnets,
        });
    }

    fn ends(
        &self,
        cx: &Context<'_>,
        wire: &LinkEntry,
        span: &Range<usize>,
    ) -> Option<[LinkEnd; 2]> {
        let written = &wire.ends.value.0;
        if wire.ends.span.is_empty() {
            cx.missing(span, "ends");
            return None;
        }
        let found = written.len();
        let [a, b] = written.as_slice() else {
            let remedy = "write [\"alpine-1:eth1\", \"alpine-2:eth1\"]";
            cx.mistake(
                &wire.ends.span,
                format!("a wire with {found} ends instead of 2"),
                remedy,
            );
            return None;
        };
        let end = |word: &Written<LinkEnd>| {
            let end = cx.get(word)?;
            self.names.check(cx, &end.node, &word.span()).then_some(end)
        };
        let (first, second) = (end(a), end(b));
        let ends = [first?, second?];
        if ends[0].node == ends[1].node {
            let message = format!("both ends are at {}", ends[0].node);
            cx.mistake(&b.span(), message, "write another node");
            return None;
        }
        Some(ends)
    }

    /// The interface at an end, made if the node's own table does not have it.
    fn plug(
        &mut self,
        cx: &Context<'_>,
        end: &LinkEnd,
        link: usize,
        span: &Range<usize>,
    ) -> Option<&mut Port> {
        let draft = &mut self.drafts[self.names.place(&end.node)?];
        let found = draft
            .ports
            .iter()
            .position(|port| port.name == end.interface);
        let index = found.unwrap_or_else(|| {
            draft
                .ports
                .push(Port::new(end.interface.clone(), span.clone()));
            draft.ports.len() - 1
        });
        let port = &mut draft.ports[index];
        match &port.attachment {
            None => port.attachment = Some(Attachment::Link(link)),
            Some(Attachment::Link(_)) => cx.mistake(
                span,
                format!(
                    "{} of {} is an end of another link",
                    end.interface, end.node
                ),
                "write another interface: a wire has two ends, and an end one wire",
            ),
            Some(Attachment::Network(network)) => cx.mistake(
                span,
                format!("{} of {} is on network {network}", end.interface, end.node),
                "write another interface",
            ),
        }
        Some(port)
    }
}
