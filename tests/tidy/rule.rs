//! What a rule is, and all of them.

use super::tree::Tree;
use super::{crates, documents, escapes, layers, seams, shape, words};

/// Something that holds of the whole project.
pub(crate) struct Rule {
    /// What it is called in a complaint.
    pub(crate) name: &'static str,
    /// What to do about a complaint, in a line.
    pub(crate) remedy: &'static str,
    /// Finds what breaks it, each with its place.
    pub(crate) check: fn(&Tree) -> Vec<String>,
    /// Files that break it.
    pub(crate) bad: &'static [(&'static str, &'static str)],
}

/// Every rule.
pub(crate) const RULES: &[Rule] = &[
    shape::MODULE_DOCS,
    shape::LENGTH,
    shape::MAPS,
    shape::NAMES,
    shape::MARKERS,
    crates::EDGES,
    crates::ONE_PROGRAM,
    crates::TEST_BED,
    layers::LAYERS,
    layers::TABLE,
    layers::PLAN_DATA,
    seams::BOLLARD,
    seams::PNET,
    seams::PRINTING,
    seams::STREAMS,
    seams::UNSAFE,
    seams::SHELLING_OUT,
    documents::LINTS,
    documents::EXIT_CODES,
    documents::TOPOLOGIES,
    escapes::LISTED,
    words::GLOSSARY,
    words::OPENINGS,
];
