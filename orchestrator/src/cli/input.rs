//! Topology files, read with their diagnostics.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::topology;
use crate::topology::Diagnostics;
use crate::topology::model::Topology;

use super::environment;
use super::failure::{Failure, Status};

/// A topology file and what was set on the command line.
#[derive(Debug, Clone)]
pub struct Source {
    /// The file.
    pub file: PathBuf,
    /// Its text.
    pub text: String,
    /// Variables set on the command line.
    pub overrides: BTreeMap<String, String>,
}

impl Source {
    /// Reads the file.
    ///
    /// # Errors
    /// If there is no such file, or it is no text.
    pub fn load(file: &Path, settings: &[(String, String)]) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(file).map_err(|error| {
            let remedy = "name a topology file, such as topologies/two-servers.toml";
            Failure::Input(format!("reading {}: {error}; {remedy}", file.display()))
        })?;
        Ok(Self {
            file: file.to_owned(),
            text,
            overrides: settings.iter().cloned().collect(),
        })
    }

    /// Checks it, with other values for some variables.
    ///
    /// # Errors
    /// Every mistake in the file.
    pub fn read(&self, values: &BTreeMap<String, String>) -> Result<Topology, Diagnostics> {
        let mut overrides = self.overrides.clone();
        overrides.extend(
            values
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        let base = self.file.parent().unwrap_or(Path::new("."));
        topology::read(
            &self.file.display().to_string(),
            &self.text,
            base,
            &overrides,
            &|path| path.is_file(),
        )
    }

    /// Checks it as it is.
    ///
    /// # Errors
    /// Every mistake in the file, rendered.
    pub fn topology(&self) -> Result<Topology, Failure> {
        self.read(&BTreeMap::new()).map_err(|wrong| {
            let text = wrong.render(environment::colour(&std::io::stderr()));
            Failure::Rendered(text, Status::Input)
        })
    }
}
