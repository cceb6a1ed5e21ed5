//! Topology files, read with their diagnostics.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::scenario::stress::published::Published;
use crate::topology;
use crate::topology::model::{Topology, Work};
use crate::topology::{Cells, Diagnostics, Found};

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

    /// Checks the file, with every cell of its scenarios. Blocks on the disk.
    ///
    /// # Errors
    /// Every mistake in the file, rendered. If there is none, every mistake in a table that it names.
    pub fn cells(&self) -> Result<Cells, Failure> {
        self.read().map_err(|wrong| {
            let text = wrong.render(environment::colour(&std::io::stderr()));
            Failure::Rendered(text, Status::Input)
        })
    }

    /// Does the same for a caller that does not need the cells.
    ///
    /// # Errors
    /// As those of [`Source::cells`].
    pub fn topology(&self) -> Result<Topology, Failure> {
        Ok(Topology::clone(self.cells()?.topology()))
    }

    fn read(&self) -> Result<Cells, Diagnostics> {
        let base = self.file.parent().unwrap_or(Path::new("."));
        let file = self.file.display().to_string();
        let cells = topology::read_cells(&file, &self.text, base, &self.overrides, &look)?;
        let mut seen = BTreeSet::new();
        let mut check = |work: &Work| match work {
            Work::Stress(stress) if seen.insert(stress.published.clone()) => {
                Published::check(stress)
            }
            _ => Ok(()),
        };
        for scenario in &cells.topology().scenarios {
            check(&scenario.work)?;
            // A scenario is of one kind in all of its cells.
            if matches!(scenario.work, Work::Stress(_)) {
                let mut own = cells.of(&scenario.name);
                own.try_for_each(|cell| check(&cell.scenario.work))?;
            }
        }
        Ok(cells)
    }
}

/// Hashes each file that a topology or one of its cells names, by BLAKE3. Blocks on the disk.
///
/// # Errors
/// If one cannot be read.
pub fn hashes(files: &BTreeSet<PathBuf>) -> Result<BTreeMap<PathBuf, String>, Failure> {
    let hash = |path: &PathBuf| {
        let mut hasher = blake3::Hasher::new();
        let read = File::open(path).and_then(|file| Ok(hasher.update_reader(file)?.finalize()));
        let read =
            read.map_err(|error| Failure::Input(format!("reading {}: {error}", path.display())))?;
        Ok((path.clone(), read.to_hex().to_string()))
    };
    files.iter().map(hash).collect()
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
