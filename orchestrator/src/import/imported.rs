//! The result of an import: a topology file, and a list of the things that it leaves out.

use std::fmt;

/// A topology file made of another tool's lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Its text.
    pub text: String,
    /// The things that have no counterpart.
    pub left_out: Vec<LeftOut>,
}

/// Something that has no counterpart in a topology, and what happens instead.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// The thing that it belongs to.
    pub of: String,
    /// The thing left out, and its replacement.
    pub text: String,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.of, self.text)
    }
}
