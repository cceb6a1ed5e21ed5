//! Whole files: what is accepted, and what is said of what is not.
//!
//! `bad/` and `good/` hold the files. An input file below `missing/` does not exist, any other does.

mod bad;
mod good;
mod schema;

use std::collections::BTreeMap;
use std::path::Path;

use super::{Diagnostics, Topology};

fn read(name: &str, text: &str) -> Result<Topology, Diagnostics> {
    read_with(name, text, &BTreeMap::new())
}

fn read_with(
    name: &str,
    text: &str,
    overrides: &BTreeMap<String, String>,
) -> Result<Topology, Diagnostics> {
    let exists = |path: &Path| !path.starts_with("labs/missing");
    super::read(name, text, Path::new("labs"), overrides, &exists)
}
