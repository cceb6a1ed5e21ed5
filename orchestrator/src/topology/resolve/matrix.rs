//! Every value of a scenario's matrix, tried before anything is raised.

use std::collections::BTreeMap;

use super::context::FileBase;
use super::lab::resolve;
use super::scenarios::can_be_tried;
use crate::topology::diagnostic::Diagnostic;
use crate::topology::document::Document;
use crate::topology::model::{Impairment, Topology};

/// Resolves the document once for each value of each axis that is a variable. What is wrong only
/// then is the value's fault, as is a lab that differs in more than its links' conditions: it stays
/// up from cell to cell.
pub(in crate::topology) fn check(
    document: &Document,
    overrides: &BTreeMap<String, String>,
    file_base: FileBase<'_>,
    (base, known): (Option<&Topology>, &[Diagnostic]),
) -> Vec<Diagnostic> {
    let shape = base.map(bare);
    let mut found = Vec::new();
    let is_variable = |name: &str| document.vars.0.iter().any(|(key, _)| key.value == name);
    let scenarios = document
        .scenario
        .0
        .iter()
        .filter_map(|entry| entry.value.common())
        .filter(|common| can_be_tried(common.matrix));
    let axes = scenarios.flat_map(|common| &common.matrix.0);
    for (key, values) in axes.filter(|(key, _)| is_variable(&key.value)) {
        for written in &values.0 {
            let Some(value) = written.text().filter(|text| !text.contains("${")) else {
                continue;
            };
            let mut overrides = overrides.clone();
            overrides.insert(key.value.clone(), value.to_owned());
            let (topology, mistakes) = resolve(document, &overrides, file_base);
            let mut new = mistakes.iter().filter(|mistake| !known.contains(mistake));
            let with = format!("with {} = {value}", key.value);
            if let Some(first) = new.next() {
                let message = format!("{with}: {}", first.message);
                let remedy = first.remedy.as_str();
                found.push(Diagnostic::new(written.span(), message, remedy));
            } else if known.is_empty() && topology.as_ref().map(bare) != shape {
                let message = format!("{with} the lab has another shape");
                let remedy = "a matrix varies scenarios and links' conditions; the lab stays up";
                found.push(Diagnostic::new(written.span(), message, remedy));
            }
        }
    }
    found
}

/// The lab without what may differ between cells.
fn bare(topology: &Topology) -> Topology {
    let mut bare = topology.clone();
    bare.scenarios.clear();
    bare.vars.clear();
    bare.summary = None;
    let interfaces = bare.nodes.iter_mut().flat_map(|node| &mut node.interfaces);
    for interface in interfaces {
        interface.egress = Impairment::default();
        interface.ingress = Impairment::default();
    }
    bare
}
