//! What an import makes, and what it leaves out.

use std::fmt;

/// A topology file made of another tool's lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Its text.
    pub text: String,
    /// What has no counterpart.
    pub left_out: Vec<LeftOut>,
}

/// Something that has no counterpart in a topology, and what happens instead.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// What it belongs to.
    pub of: String,
    /// What it is, and what happens instead.
    pub text: String,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.of, self.text)
    }
}
