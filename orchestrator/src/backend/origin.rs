//! The origin of a lab: the machine, its start, and the state folder.
//!
//! A record or a mark with an origin proves that a thing is ours. No part of it is secret. A mark without an origin,
//! or one that anybody can set, is not trusted.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use nix::unistd::gethostname;
use plumbing::namespace::own_process_namespace;
use serde::{Deserialize, Serialize};

use super::Provenance;

/// The place where a lab was raised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The machine.
    machine: String,
    /// Its start (`boot_id`, `proc_sys_kernel(5)`).
    boot: String,
    /// The state folder: a hash of its device, inode and birth, none of which survives its removal.
    folder: String,
    /// The process namespace in which the numbers of processes have a meaning.
    processes: u64,
    /// The state folder's path, for people.
    path: PathBuf,
}

/// The relation of an origin to this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// The same machine and, unless it was started again since, the same process namespace.
    Here,
    /// Another process namespace of this machine.
    OtherNamespace,
    /// Another machine.
    OtherMachine,
}

impl Origin {
    /// Returns the origin of things that are made here and recorded in the state folder at `path`.
    ///
    /// If `/proc` cannot be read, no lab can be raised, and nothing is proved.
    ///
    /// # Errors
    /// If the folder cannot be looked at.
    pub fn here(path: &Path) -> io::Result<Self> {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let folder = fs::metadata(path)?;
        let born = folder.created().ok();
        let born = born.and_then(|born| born.duration_since(UNIX_EPOCH).ok());
        let born = born.unwrap_or_default().as_nanos();
        Ok(Self {
            machine: short_hash(&machine()),
            boot: short_hash(boot.trim()),
            folder: short_hash(&format!("{}:{}:{born}", folder.dev(), folder.ino())),
            processes: own_process_namespace().unwrap_or_default(),
            path: std::path::absolute(path)?,
        })
    }

    /// Returns the form of it that a mark in an engine or on a server has.
    pub fn mark(&self) -> String {
        format!("{}-{}-{}", self.machine, self.boot, self.folder)
    }

    /// Returns the state folder's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Judges a mark that holds `mark` and, for people, the path of a state folder.
    pub fn judge(&self, mark: Option<&str>, path: Option<&str>) -> Provenance {
        let parts: Option<Vec<&str>> = mark.map(|mark| mark.split('-').collect());
        let why = match parts.as_deref() {
            Some([machine, ..]) if *machine != self.machine => {
                "was raised on another machine".to_owned()
            }
            Some([_, boot, _]) if *boot != self.boot => {
                "was raised before this machine's last start, or on a copy of it".to_owned()
            }
            Some([_, _, folder]) if *folder == self.folder => return Provenance::Ours,
            Some([_, _, _]) => format!("is recorded in the state folder {}", path.unwrap_or("?")),
            _ => "does not say where it was raised".to_owned(),
        };
        Provenance::Elsewhere { why }
    }

    /// Relates an origin to this one.
    pub fn relation(&self, other: &Self) -> Relation {
        if other.machine != self.machine {
            Relation::OtherMachine
        } else if other.boot == self.boot && other.processes != self.processes {
            Relation::OtherNamespace
        } else {
            Relation::Here
        }
    }
}

/// Returns the identity of this machine: machine-id(5) or, in images without one, its name. The
/// machine-id is not to be shown to others as it is.
fn machine() -> String {
    let id = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    if !id.trim().is_empty() {
        return format!("id {}", id.trim());
    }
    let name = gethostname().unwrap_or_default();
    format!("name {}", name.to_string_lossy())
}

fn short_hash(text: &str) -> String {
    let hash = blake3::Hasher::new_derive_key("orchestrator origin of labs")
        .update(text.as_bytes())
        .finalize();
    hash.to_hex().chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins() -> (tempfile::TempDir, Origin, Origin) {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (dir.path().join("one"), dir.path().join("other"));
        fs::create_dir(&one).unwrap();
        fs::create_dir(&other).unwrap();
        let origins = (Origin::here(&one).unwrap(), Origin::here(&other).unwrap());
        (dir, origins.0, origins.1)
    }

    #[test]
    fn a_mark_of_this_folder_is_ours_and_no_other() {
        let (_dir, here, other) = origins();
        assert_eq!(here.judge(Some(&here.mark()), None), Provenance::Ours);
        let [machine, boot, folder] = ["0"; 3];
        let forged = [
            None,
            Some(String::new()),
            Some(other.mark()),
            Some(format!("{machine}-{}-{}", here.boot, here.folder)),
            Some(format!("{}-{boot}-{}", here.machine, here.folder)),
            Some(format!("{}-{}-{folder}", here.machine, here.boot)),
            Some(format!("{}-x", here.mark())),
            Some(here.machine.clone()),
        ];
        for mark in forged {
            let judged = here.judge(mark.as_deref(), Some("/somewhere"));
            assert!(matches!(judged, Provenance::Elsewhere { .. }), "{mark:?}");
        }
    }

    #[test]
    fn a_folder_made_anew_is_another() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        fs::create_dir(&path).unwrap();
        let first = Origin::here(&path).unwrap();
        fs::rename(&path, dir.path().join("old")).unwrap();
        fs::create_dir(&path).unwrap();
        assert_ne!(first.mark(), Origin::here(&path).unwrap().mark());
    }

    #[test]
    fn what_another_namespace_start_or_machine_recorded_is_told_apart() {
        let (_dir, here, other) = origins();
        assert_eq!(here.relation(&other), Relation::Here);
        let namespace = Origin {
            processes: 1,
            ..here.clone()
        };
        assert_eq!(here.relation(&namespace), Relation::OtherNamespace);
        // No process is left of an earlier start.
        let start = Origin {
            boot: "0".to_owned(),
            ..namespace
        };
        assert_eq!(here.relation(&start), Relation::Here);
        let machine = Origin {
            machine: "0".to_owned(),
            ..start
        };
        assert_eq!(here.relation(&machine), Relation::OtherMachine);
    }
}
