//! Topology files, read with their diagnostics.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::scenario::cell::combinations;
use crate::scenario::stress::published::Published;
use crate::topology;
use crate::topology::model::{Topology, Work};
use crate::topology::{Diagnostics, Found};

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
    /// If there is no such file, or it is no text, or too long.
    pub fn load(file: &Path, settings: &[(String, String)]) -> Result<Self, Failure> {
        let wrong = |fault: &dyn Display, remedy: &str| {
            Failure::Input(format!("reading {}: {fault}; {remedy}", file.display()))
        };
        let mut bytes = Vec::new();
        File::open(file)
            .and_then(|opened| opened.take(LONGEST + 1).read_to_end(&mut bytes))
            .map_err(|error| {
                let remedy = "name a topology file, such as topologies/two-servers.toml";
                wrong(&error, remedy)
            })?;
        if bytes.len() as u64 > LONGEST {
            let remedy = "name a topology file; what nodes are to have goes into files of its own";
            return Err(wrong(&"it is longer than 1 MiB", remedy));
        }
        let text = String::from_utf8(bytes);
        Ok(Self {
            file: file.to_owned(),
            text: text.map_err(|error| wrong(&error, "save it as UTF-8"))?,
            overrides: settings.iter().cloned().collect(),
        })
    }

    /// Checks it, with other values for some variables.
    ///
    /// # Errors
    /// Every mistake in the file; where there is none, every mistake in a table that it names.
    pub fn read(&self, values: &BTreeMap<String, String>) -> Result<Topology, Diagnostics> {
        self.read_looking(values, &look)
    }

    fn read_looking(
        &self,
        values: &BTreeMap<String, String>,
        look: &dyn Fn(&Path) -> Found,
    ) -> Result<Topology, Diagnostics> {
        let mut overrides = self.overrides.clone();
        overrides.extend(
            values
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        let base = self.file.parent().unwrap_or(Path::new("."));
        let file = self.file.display().to_string();
        let topology = topology::read(&file, &self.text, base, &overrides, look)?;
        for scenario in &topology.scenarios {
            if let Work::Stress(stress) = &scenario.work {
                Published::check(stress)?;
            }
        }
        Ok(topology)
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

impl Source {
    /// BLAKE3 of each file that the topology names, whatever its matrices set.
    ///
    /// # Errors
    /// If one cannot be read.
    pub fn inputs(&self, topology: &Topology) -> Result<BTreeMap<PathBuf, String>, Failure> {
        let seen = RefCell::new(BTreeMap::new());
        let look = |path: &Path| {
            let found = look(path);
            if matches!(found, Found::File) {
                seen.borrow_mut().insert(path.to_owned(), String::new());
            }
            found
        };
        let cells = topology.scenarios.iter();
        let cells = cells.flat_map(|scenario| combinations(&scenario.matrix));
        for values in cells {
            // A cell that cannot be is a row of the report.
            let _ = self.read_looking(&values, &look);
        }
        let mut inputs = seen.into_inner();
        for (path, hash) in &mut inputs {
            let mut hasher = blake3::Hasher::new();
            let read = File::open(path).and_then(|file| Ok(hasher.update_reader(file)?.finalize()));
            let read = read
                .map_err(|error| Failure::Input(format!("reading {}: {error}", path.display())))?;
            *hash = read.to_hex().to_string();
        }
        Ok(inputs)
    }
}

/// Returns what is at an input file's path.
fn look(path: &Path) -> Found {
    match std::fs::metadata(path) {
        Ok(there) if there.is_file() => match File::open(path) {
            Ok(_) => Found::File,
            Err(error) => Found::Unknown(error.to_string()),
        },
        Ok(there) if there.is_dir() => Found::Folder,
        Ok(_) => Found::Special,
        Err(error) if error.kind() == ErrorKind::NotFound => Found::Nothing,
        Err(error) => Found::Unknown(error.to_string()),
    }
}

/// Far beyond what a lab of as many nodes as there can be needs; a file that never ends is none.
const LONGEST: u64 = 1 << 20;
