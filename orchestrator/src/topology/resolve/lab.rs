//! The order in which a document becomes a topology.

use std::collections::BTreeMap;

use super::addresses::{self, Segments};
use super::context::{Context, FileBase};
use super::links::Wiring;
use super::networks::{self, Segment};
use super::nodes::{self, Draft};
use super::scenarios::{self, Stage};
use crate::topology::diagnostic::Diagnostic;
use crate::topology::document::Document;
use crate::topology::model::{Attachment, Topology};
use crate::topology::suggestion::instead_of;
use crate::topology::variables::{Variables, is_name};
use protocol::name::NetworkName;

/// The topology, and everything that is wrong with it; where that is anything, the topology is not
/// to be used.
pub(in crate::topology) fn resolve(
    document: &Document,
    overrides: &BTreeMap<String, String>,
    file_base: FileBase<'_>,
) -> (Option<Topology>, Vec<Diagnostic>) {
    let mut mistakes = Vec::new();
    let variables = variables(document, overrides, &mut mistakes);
    let cx = Context::new(variables, file_base);
    let name = cx.need(&document.name, &(0..0), "name");
    let summary = cx.text(&document.summary);

    let mut taken = Vec::new();
    let networks = networks::read(&cx, &document.network, &mut taken);
    let (mut drafts, names) = nodes::read(&cx, document, &networks);
    let mut wiring = Wiring {
        drafts: &mut drafts,
        names: &names,
        links: Vec::new(),
        segments: Vec::new(),
    };
    wiring.read(&cx, &document.link, &mut taken);
    let (links, wires) = (wiring.links, wiring.segments);
    let segments = Segments {
        networks: &networks,
        links: &wires,
    };
    addresses::assign(&cx, name.as_ref(), &mut drafts, segments);
    for draft in &mut drafts {
        routes(&cx, draft);
    }
    ports(&cx, &networks, &drafts);
    let stage = Stage {
        cx: &cx,
        names: &names,
        drafts: &drafts,
    };
    let scenarios = scenarios::read(&stage, document);

    let base = cx.base().to_owned();
    let topology = name.map(|name| Topology {
        name,
        summary,
        base,
        vars: cx.variables().clone(),
        networks: networks
            .iter()
            .map(|(name, segment)| (name.clone(), networks::finished(name, segment)))
            .collect(),
        nodes: drafts.into_iter().map(|draft| draft.node).collect(),
        links,
        scenarios,
    });
    mistakes.extend(cx.into_mistakes());
    (topology, mistakes)
}

/// The file's variables, overridden.
fn variables(
    document: &Document,
    overrides: &BTreeMap<String, String>,
    mistakes: &mut Vec<Diagnostic>,
) -> Variables {
    let mut values = BTreeMap::new();
    for (key, written) in &document.vars.0 {
        if !is_name(&key.value) {
            let message = format!("`{}` is not a variable's name", key.value);
            let remedy = "write letters, digits, _ and -";
            mistakes.push(Diagnostic::new(key.span.clone(), message, remedy));
        }
        let text = written.text().unwrap_or_default();
        if text.contains("${") {
            let message = "a variable's value cannot refer to another";
            let remedy = "write the value itself";
            mistakes.push(Diagnostic::new(written.span(), message, remedy));
        }
        values.insert(key.value.clone(), text.to_owned());
    }
    for (name, value) in overrides {
        let known: Vec<&String> = values.keys().collect();
        let wrong = if !values.contains_key(name) {
            Some((
                format!("there is no variable `{name}` to set"),
                instead_of(name, &known),
            ))
        } else if value.contains("${") {
            let remedy = "write the value itself".to_owned();
            Some((format!("`{value}` cannot refer to a variable"), remedy))
        } else {
            None
        };
        match wrong {
            Some((message, remedy)) => mistakes.push(Diagnostic {
                span: None,
                message: format!("--set {name}={value}: {message}"),
                remedy,
            }),
            None => {
                values.insert(name.clone(), value.clone());
            }
        }
    }
    Variables(values)
}

/// Takes over the routes that the file gives; each must lead to a neighbour.
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

/// A Linux bridge takes [`MOST_PORTS`].
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
