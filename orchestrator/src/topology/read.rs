//! From a file's text to its checked topology, or to everything that is wrong with it.

use std::collections::BTreeMap;
use std::path::Path;

use super::diagnostic::Diagnostics;
use super::model::Topology;
use super::resolve::FileBase;
use super::{document, resolve};

/// The kind of entry at an input file's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A device, a socket or a pipe.
    Special,
    /// Nothing.
    Nothing,
    /// Nobody can tell, for this reason.
    Unknown(String),
}

/// Reads a topology file. `base` is the folder that its relative paths start from, `overrides` are
/// values for its variables (`--set`, and a matrix cell's parameters other than `model`), and
/// `look` tells what is at an input file's path.
///
/// # Errors
/// Every mistake in the file, each with its place and what to write instead.
pub fn read(
    file_name: &str,
    text: &str,
    base: &Path,
    overrides: &BTreeMap<String, String>,
    look: &dyn Fn(&Path) -> Found,
) -> Result<Topology, Diagnostics> {
    let file_base = FileBase { base, look };
    let (document, mut mistakes) = document::read(text);
    let mut topology = None;
    if let Some(document) = document {
        let (resolved, found) = resolve::resolve(&document, overrides, file_base);
        let base = (resolved.as_ref(), found.as_slice());
        let cells = resolve::check_matrix(&document, overrides, file_base, base);
        mistakes.extend(found);
        mistakes.extend(cells);
        topology = resolved;
    }
    match topology {
        Some(topology) if mistakes.is_empty() => Ok(topology),
        _ => Err(Diagnostics::new(file_name, text, mistakes)),
    }
}
