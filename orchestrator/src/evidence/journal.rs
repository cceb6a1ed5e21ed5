//! The journal of cell results. Each is written as soon as it is known, so that a run that was interrupted
//! can be taken up again.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::report::model::CellReport;

use super::EvidenceError;

/// The subject of a run. Only a run of the same subject can be taken up again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// SHA-256 of the topology file.
    pub topology: String,
    /// BLAKE3 of each file that the topology names, by its path.
    #[serde(default)]
    pub inputs: BTreeMap<PathBuf, String>,
    /// Variables that were set.
    pub settings: BTreeMap<String, String>,
    /// Where the lab is.
    pub backend: String,
    /// The number of times each cell is run.
    pub repeat: u32,
    /// The seed of everything random.
    pub seed: u32,
}

/// `cells.ndjson`: the run's subject in the first line, then a line for each cell that has ended.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: Mutex<File>,
    earlier: BTreeMap<Key, CellReport>,
}

/// A scenario's name, and a cell's parameters.
type Key = (String, BTreeMap<String, String>);

/// A cell that has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Entry {
    scenario: String,
    cell: CellReport,
}

/// Why a run cannot be taken up again.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// There is nothing to take up.
    #[error("{} holds no run that can be taken up again; leave --resume out to begin one", path.display())]
    Nothing {
        /// The run directory.
        path: PathBuf,
    },
    /// It is a run of something else.
    #[error(
        "{} holds a run {difference}; give it the same, or leave --resume out to begin anew",
        path.display()
    )]
    Other {
        /// The run directory.
        path: PathBuf,
        /// Of what else.
        difference: String,
    },
    /// It cannot be read or written.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
}

impl Subject {
    /// The hash that stands for a topology file.
    pub fn hash(text: &str) -> String {
        format!("{:x}", Sha256::digest(text))
    }

    /// Describes the difference to another run, in words.
    fn differs(&self, other: &Self) -> Option<String> {
        let settings = |of: &Self| {
            let pairs = of
                .settings
                .iter()
                .map(|(name, value)| format!("{name}={value}"));
            let pairs: Vec<String> = pairs.collect();
            if pairs.is_empty() {
                "nothing".to_owned()
            } else {
                pairs.join(" ")
            }
        };
        let changed = self
            .inputs
            .iter()
            .find(|(path, hash)| other.inputs.get(*path) != Some(*hash));
        if let (Some((path, _)), true) = (changed, self.topology == other.topology) {
            return Some(format!("of other files: {} has changed", path.display()));
        }
        let differences = [
            (
                self.topology != other.topology,
                "of another topology: the file has changed".to_owned(),
            ),
            (
                self.settings != other.settings,
                format!("with {} set", settings(self)),
            ),
            (
                self.backend != other.backend,
                format!("on {}", self.backend),
            ),
            (
                self.repeat != other.repeat,
                format!("with --repeat {}", self.repeat),
            ),
            (
                self.seed != other.seed,
                format!("with --seed {:08x}", self.seed),
            ),
        ];
        let found = differences.into_iter().find(|(differs, _)| *differs);
        found.map(|(_, difference)| difference)
    }
}

impl Journal {
    /// Begins one at `path`, where none is.
    ///
    /// # Errors
    /// [`EvidenceError`] with the path.
    pub fn create(path: &Path, subject: &Subject) -> Result<Self, EvidenceError> {
        let file = File::create(path).map_err(|e| EvidenceError::at(path, e))?;
        let journal = Self {
            path: path.to_owned(),
            file: Mutex::new(file),
            earlier: BTreeMap::new(),
        };
        journal.line(subject)?;
        Ok(journal)
    }

    /// Takes up the one at `path`. A last line that was cut off is left out; that cell is run again.
    /// Where `subject` is given no seed, the earlier one is the seed.
    ///
    /// # Errors
    /// [`ResumeError`] if there is none, or it is of something else.
    pub fn resume(
        path: &Path,
        subject: &Subject,
        has_seed: bool,
    ) -> Result<(Self, Subject), ResumeError> {
        let folder = path.parent().unwrap_or(path).to_owned();
        let nothing = || ResumeError::Nothing {
            path: folder.clone(),
        };
        let at = |e| EvidenceError::at(path, e);
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(nothing()),
            read => read.map_err(at)?,
        };
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let mut lines = text[..whole].lines();
        let first = lines.next().ok_or_else(nothing)?;
        let before: Subject = serde_json::from_str(first).map_err(|_| nothing())?;
        let asked = Subject {
            seed: if has_seed { subject.seed } else { before.seed },
            ..subject.clone()
        };
        if let Some(difference) = before.differs(&asked) {
            return Err(ResumeError::Other {
                path: folder,
                difference,
            });
        }
        let entry = |line| {
            let Entry { scenario, cell } = serde_json::from_str(line)?;
            Ok(((scenario, cell.params.clone()), cell))
        };
        let earlier: Result<_, serde_json::Error> = lines.map(entry).collect();
        let earlier = earlier.map_err(|_| nothing())?;
        let file = OpenOptions::new().append(true).open(path).map_err(at)?;
        file.set_len(whole as u64).map_err(at)?;
        let journal = Self {
            path: path.to_owned(),
            file: Mutex::new(file),
            earlier,
        };
        Ok((journal, before))
    }

    /// Returns the result of a cell from before the run was interrupted.
    pub fn earlier(
        &self,
        scenario: &str,
        params: &BTreeMap<String, String>,
    ) -> Option<&CellReport> {
        self.earlier.get(&(scenario.to_owned(), params.clone()))
    }

    /// Notes what came of a cell; it is in the file when this returns.
    ///
    /// # Errors
    /// [`EvidenceError`] with the path.
    pub fn note(&self, scenario: &str, cell: &CellReport) -> Result<(), EvidenceError> {
        self.line(&Entry {
            scenario: scenario.to_owned(),
            cell: cell.clone(),
        })
    }

    fn line(&self, content: &impl Serialize) -> Result<(), EvidenceError> {
        let at = |e| EvidenceError::at(&self.path, e);
        let mut line = serde_json::to_vec(content).map_err(|e| at(e.into()))?;
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&line).map_err(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject() -> Subject {
        Subject {
            topology: Subject::hash("name = \"x\""),
            inputs: BTreeMap::from([(PathBuf::from("in/a.bin"), "0a".to_owned())]),
            settings: BTreeMap::from([("size".to_owned(), "1MB".to_owned())]),
            backend: "netns".to_owned(),
            repeat: 1,
            seed: 7,
        }
    }

    fn cell(size: &str) -> CellReport {
        CellReport {
            number: 3,
            params: BTreeMap::from([("size".to_owned(), size.to_owned())]),
            duration_s: 0.25,
            ..CellReport::default()
        }
    }

    #[test]
    fn what_was_noted_is_there_again_and_a_torn_line_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cells.ndjson");
        let journal = Journal::create(&path, &subject()).unwrap();
        assert_eq!(journal.earlier("a", &cell("1").params), None);
        journal.note("a", &cell("1")).unwrap();
        journal.note("a", &cell("2")).unwrap();
        drop(journal);
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 5]).unwrap();
        let (journal, before) = Journal::resume(
            &path,
            &Subject {
                seed: 9,
                ..subject()
            },
            false,
        )
        .unwrap();
        assert_eq!(before.seed, 7);
        assert_eq!(journal.earlier("a", &cell("1").params), Some(&cell("1")));
        assert_eq!(journal.earlier("b", &cell("1").params), None);
        assert_eq!(journal.earlier("a", &cell("2").params), None);
        journal.note("a", &cell("2")).unwrap();
        drop(journal);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), whole);
    }

    #[test]
    fn a_run_of_something_else_is_not_taken_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cells.ndjson");
        let none = Journal::resume(&path, &subject(), true).unwrap_err();
        assert!(matches!(none, ResumeError::Nothing { .. }), "{none}");
        drop(Journal::create(&path, &subject()).unwrap());
        let said = |change: fn(&mut Subject)| {
            let mut other = subject();
            change(&mut other);
            let error = Journal::resume(&path, &other, true).unwrap_err();
            error.to_string()
        };
        assert!(said(|s| s.topology.clear()).contains("a run of another topology"));
        assert!(said(|s| s.settings.clear()).contains("a run with size=1MB set"));
        assert!(said(|s| s.backend.clear()).contains("a run on netns"));
        assert!(said(|s| s.repeat = 2).contains("a run with --repeat 1"));
        assert!(said(|s| s.seed = 8).contains("a run with --seed 00000007"));
        for torn in ["", "{\"topology\"", "{}\n"] {
            std::fs::write(&path, torn).unwrap();
            let error = Journal::resume(&path, &subject(), true).unwrap_err();
            assert!(matches!(error, ResumeError::Nothing { .. }), "{error}");
        }
    }
}
