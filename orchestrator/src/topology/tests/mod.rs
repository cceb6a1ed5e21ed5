//! Whole files: what is accepted, and what is said of what is not.
//!
//! `bad/` and `good/` hold the files. What is below `missing/` does not exist, `folders/`
//! holds folders, and so on; any other input file is there.

mod bad;
mod cells;
mod good;
mod schema;

use std::collections::BTreeMap;
use std::path::Path;

use super::{Diagnostics, Found, Topology};

fn read(name: &str, text: &str) -> Result<Topology, Diagnostics> {
    read_with(name, text, &BTreeMap::new())
}

fn read_with(
    name: &str,
    text: &str,
    overrides: &BTreeMap<String, String>,
) -> Result<Topology, Diagnostics> {
    let look = |path: &Path| match path.parent().and_then(Path::file_name) {
        _ if path.starts_with("labs/missing") => Found::Nothing,
        Some(name) if name == "folders" => Found::Folder,
        Some(name) if name == "devices" => Found::Special,
        Some(name) if name == "loops" => Found::Unknown("links in a circle".to_owned()),
        _ => Found::File,
    };
    super::read(name, text, Path::new("labs"), overrides, &look)
}
