//! The parts of a file. Each is resolved by itself, so that a part that a cell's values do not change need not be
//! resolved again.

use std::collections::{BTreeMap, BTreeSet};

use super::axes::{self, Axis};
use super::context::{Context, FileBase};
use super::scenarios::{self, Stage};
use super::structure::{self, Structure};
use super::{conditions, values};
use crate::topology::diagnostic::Diagnostic;
use crate::topology::document::Document;
use crate::topology::model::{Node, Scenario, Topology};

/// A part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The lab's networks, nodes and links.
    Structure,
    /// The conditions that an interface's table gives: the places of its node, and of itself there.
    Interface(usize, usize),
    /// The conditions that a wire gives.
    Wire(usize),
    /// A scenario.
    Scenario(usize),
}

/// A document with the values of its variables.
#[derive(Clone, Copy)]
pub(in crate::topology) struct Reading<'a> {
    pub(in crate::topology) document: &'a Document,
    pub(in crate::topology) values: &'a BTreeMap<String, String>,
    pub(in crate::topology) file_base: FileBase<'a>,
}

/// A resolved file.
#[derive(Debug)]
pub(in crate::topology) struct Resolved {
    /// The values of its variables.
    pub(in crate::topology) values: BTreeMap<String, String>,
    /// The networks, nodes and links of its lab.
    pub(in crate::topology) structure: Structure,
    /// The axes of each scenario's matrix, in the document's order.
    pub(in crate::topology) axes: Vec<Vec<Axis>>,
    /// The topology. It must not be used if there is any mistake.
    pub(in crate::topology) topology: Option<Topology>,
    /// Its parts.
    pub(super) parts: Vec<Known>,
    /// The mistakes in it, except those that only its cells' values make.
    pub(in crate::topology) mistakes: Vec<Diagnostic>,
}

/// The result of a part under the file's own values.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) part: Part,
    /// The variables that it depends on.
    pub(super) variables: Vec<String>,
    pub(super) mistakes: Vec<Diagnostic>,
}

/// A cell's values by the names of their variables.
pub(in crate::topology) type CellValues<'a> = &'a [(&'a str, &'a str)];

impl Reading<'_> {
    /// Does some work with a cell's values. Returns its result, the mistakes, and the variables that it depends
    /// on.
    pub(super) fn within<T>(
        &self,
        cell: CellValues<'_>,
        work: impl FnOnce(&Context<'_>) -> T,
    ) -> (T, Vec<Diagnostic>, Vec<String>) {
        let cx = Context::new(self.values, cell, self.file_base);
        let done = work(&cx);
        let (mistakes, asked) = cx.finish();
        (done, mistakes, asked)
    }

    /// Reads a scenario with a cell's values, without its matrix.
    pub(in crate::topology) fn scenario(
        &self,
        structure: &Structure,
        place: usize,
        cell: CellValues<'_>,
    ) -> Option<Scenario> {
        let read = |cx: &Context<'_>| self.part(cx, structure, Part::Scenario(place));
        self.within(cell, read).0
    }

    /// Applies the conditions of links with a cell's values.
    pub(in crate::topology) fn impair(
        &self,
        structure: &Structure,
        nodes: &mut [Node],
        cell: CellValues<'_>,
    ) {
        let apply = |cx: &Context<'_>| conditions::apply(cx, (self.document, structure), nodes);
        self.within(cell, apply);
    }

    /// Resolves a part beside the structure. Notes its mistakes, and returns the scenario where it is one.
    pub(super) fn part(
        &self,
        cx: &Context<'_>,
        structure: &Structure,
        part: Part,
    ) -> Option<Scenario> {
        match part {
            Part::Structure => {}
            Part::Interface(node, interface) => {
                conditions::interface(cx, self.document, (node, interface));
            }
            Part::Wire(place) => {
                conditions::wire(cx, (self.document, structure), place);
            }
            Part::Scenario(place) => {
                let stage = Stage {
                    cx,
                    names: &structure.names,
                    drafts: &structure.drafts,
                };
                return scenarios::read(&stage, &self.document.scenario.0[place]);
            }
        }
        None
    }
}

impl Resolved {
    /// Returns the variables that links' conditions depend on.
    pub(in crate::topology) fn conditions(&self) -> BTreeSet<String> {
        let parts = self.parts.iter();
        let parts = parts.filter(|known| matches!(known.part, Part::Interface(..) | Part::Wire(_)));
        parts.flat_map(|known| known.variables.clone()).collect()
    }
}

/// Resolves a document with its own values.
pub(in crate::topology) fn resolve(
    document: &Document,
    overrides: &BTreeMap<String, String>,
    file_base: FileBase<'_>,
) -> Resolved {
    let mut mistakes = Vec::new();
    let values = values::read(document, overrides, &mut mistakes);
    let reading = Reading {
        document,
        values: &values,
        file_base,
    };
    let mut parts = Vec::new();
    let mut note = |part, mistakes, variables| {
        parts.push(Known {
            part,
            variables,
            mistakes,
        });
    };
    let (summary, wrong, _) = reading.within(&[], |cx| cx.text(&document.summary));
    mistakes.extend(wrong);
    let (structure, wrong, asked) = reading.within(&[], |cx| structure::read(cx, document));
    note(Part::Structure, wrong, asked);
    let mut all = Vec::new();
    for part in beside_structure(document) {
        let read = |cx: &Context<'_>| reading.part(cx, &structure, part);
        let (scenario, wrong, asked) = reading.within(&[], read);
        note(part, wrong, asked);
        if let Part::Scenario(_) = part {
            all.push(scenario);
        }
    }
    let (axes, wrong, _) = reading.within(&[], |cx| {
        scenarios::names(cx, document);
        axes::read(cx, document)
    });
    mistakes.extend(
        parts
            .iter()
            .flat_map(|known| known.mistakes.iter().cloned()),
    );
    mistakes.extend(wrong);
    let scenarios = all.into_iter().zip(&axes).filter_map(|(scenario, axes)| {
        Some(Scenario {
            matrix: axes::written(axes),
            ..scenario?
        })
    });
    let scenarios = scenarios.collect();
    let topology = topology(reading, &structure, summary, scenarios);
    Resolved {
        values,
        structure,
        axes,
        topology,
        parts,
        mistakes,
    }
}

/// Returns the parts of a document other than the structure of its lab.
fn beside_structure(document: &Document) -> impl Iterator<Item = Part> + '_ {
    let nodes = document.node.0.iter().enumerate();
    let interfaces = nodes.flat_map(|(node, (_, entry))| {
        let interfaces = 0..entry.interface.0.len();
        interfaces.map(move |interface| Part::Interface(node, interface))
    });
    let wires = (0..document.link.0.len()).map(Part::Wire);
    let scenarios = (0..document.scenario.0.len()).map(Part::Scenario);
    interfaces.chain(wires).chain(scenarios)
}

/// Puts the parts together. Returns `None` if the lab has no name.
fn topology(
    reading: Reading<'_>,
    structure: &Structure,
    summary: Option<String>,
    scenarios: Vec<Scenario>,
) -> Option<Topology> {
    let name = structure.name.clone()?;
    let mut nodes: Vec<Node> = structure.nodes().cloned().collect();
    reading.impair(structure, &mut nodes, &[]);
    Some(Topology {
        name,
        summary,
        base: reading.file_base.base.to_owned(),
        vars: reading.values.clone(),
        networks: structure.networks.clone(),
        nodes,
        links: structure.links.clone(),
        scenarios,
    })
}
