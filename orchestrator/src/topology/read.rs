//! From a file's text to its checked topology, or to everything that is wrong with it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::cells::Cells;
use super::diagnostic::Diagnostics;
use super::model::Topology;
use super::resolve::{FileBase, Reading};
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
/// values for its variables (`--set`), and `look` tells what is at an input file's path.
///
/// # Errors
/// Every mistake in the file, also those that only a cell's values make, each with its place and what to
/// write instead.
pub fn read(
    file_name: &str,
    text: &str,
    base: &Path,
    overrides: &BTreeMap<String, String>,
    look: &dyn Fn(&Path) -> Found,
) -> Result<Topology, Diagnostics> {
    let cells = read_cells(file_name, text, base, overrides, look)?;
    Ok(Arc::unwrap_or_clone(cells.topology))
}

/// Does the same, and keeps the parts that are needed for each cell.
///
/// # Errors
/// As those of [`read`].
pub fn read_cells(
    file_name: &str,
    text: &str,
    base: &Path,
    overrides: &BTreeMap<String, String>,
    look: &dyn Fn(&Path) -> Found,
) -> Result<Cells, Diagnostics> {
    let looked = RefCell::new(BTreeMap::new());
    let look = |path: &Path| {
        if let Some(found) = looked.borrow().get(path) {
            return Found::clone(found);
        }
        let found = look(path);
        looked.borrow_mut().insert(path.to_owned(), found.clone());
        found
    };
    let file_base = FileBase { base, look: &look };
    let (document, mut mistakes) = document::read(text);
    if let Some(document) = document {
        let mut resolved = resolve::resolve(&document, overrides, file_base);
        let reading = Reading {
            document: &document,
            values: &resolved.values,
            file_base,
        };
        let of_cells = resolve::check(reading, &resolved, text);
        mistakes.append(&mut resolved.mistakes);
        mistakes.extend(of_cells);
        if let Some(topology) = resolved.topology.take()
            && mistakes.is_empty()
        {
            let conditions = resolved.conditions();
            return Ok(Cells {
                topology: Arc::new(topology),
                document,
                values: resolved.values,
                structure: resolved.structure,
                axes: resolved.axes,
                conditions,
                // Folders are shown, and never read.
                files: looked
                    .into_inner()
                    .into_iter()
                    .filter(|(_, found)| *found == Found::File)
                    .map(|(path, _)| path)
                    .collect(),
            });
        }
    }
    Err(Diagnostics::new(file_name, text, mistakes))
}
