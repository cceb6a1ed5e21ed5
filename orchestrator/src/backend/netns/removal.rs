//! Finds what carries our mark, and removes it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, Instant};

use plumbing::control_group::ControlGroups;
use plumbing::process::{Marked, find_marked, own_depth, wait_for_ending};
use protocol::keeper::{MARK, STATE_MARK};

use crate::backend::{BackendErrorKind, Owned, Resource};
use crate::plan::LabId;

/// Ends the keeper of a lab, which ends its nodes, and waits until all are gone; then removes their
/// control groups, also those that the keeper was still making when it was found, and their sockets.
pub(super) fn remove_keeper(lab: &LabId, sockets: &Path) -> Result<(), BackendErrorKind> {
    let mark = lab.to_string();
    let deadline = Instant::now() + DEADLINE;
    let own_depth = own_depth().map_err(BackendErrorKind::system)?;
    loop {
        let marked = marked().map_err(BackendErrorKind::system)?;
        let ours: Vec<_> = marked.into_iter().filter(|m| m.value == mark).collect();
        if ours.is_empty() {
            break;
        }
        // The process outside, which started the keeper, ends by itself once it has seen that end.
        for one in ours.iter().filter(|one| one.depth > own_depth) {
            one.process.kill().map_err(BackendErrorKind::system)?;
        }
        for one in &ours {
            let left = deadline.saturating_duration_since(Instant::now());
            if !one.process.wait(left).map_err(BackendErrorKind::system)? {
                return Err(BackendErrorKind::Deadline {
                    seconds: DEADLINE.as_secs(),
                    awaited: format!("the processes of {lab} to end"),
                });
            }
        }
        // A keeper that was just starting a node may have started one more: look again.
    }
    let groups = ControlGroups::find().map_err(BackendErrorKind::system)?;
    let removed = groups.remove(&lab.to_string());
    removed.map_err(BackendErrorKind::system)?;
    match fs::remove_dir_all(sockets) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(BackendErrorKind::system(error))
        }
        _ => Ok(()),
    }
}

/// All that carries our mark.
pub(super) fn survey() -> Result<Vec<Owned>, BackendErrorKind> {
    let alive = labs_alive().map_err(BackendErrorKind::system)?;
    let groups = ControlGroups::find().map_err(BackendErrorKind::system)?;
    let groups = groups.survey().into_iter().filter_map(|(lab, node)| {
        let (lab, node) = (LabId::from_str(&lab).ok()?, node.parse().ok()?);
        let resource = Resource::ControlGroup {
            lab: lab.clone(),
            node,
        };
        Some(Owned {
            lab,
            resource,
            state: None,
        })
    });
    let keepers = alive.into_iter().map(|(lab, state)| Owned {
        resource: Resource::Keeper { lab: lab.clone() },
        lab,
        state,
    });
    Ok(groups.chain(keepers).collect())
}

/// All labs of which a process is alive, with the state folders that they are recorded in.
fn labs_alive() -> io::Result<BTreeMap<LabId, Option<PathBuf>>> {
    let marked = marked()?;
    let lab = |one: &Marked| {
        let state = one.variable(STATE_MARK).map(PathBuf::from);
        Some((one.value.parse().ok()?, state))
    };
    Ok(marked.iter().filter_map(lab).collect())
}

/// All processes that carry our mark. Those that are just ending show it no longer, and are waited for:
/// what is not over after that cannot be told to be ours.
fn marked() -> io::Result<Vec<Marked>> {
    let marked = find_marked(MARK)?;
    if !wait_for_ending(ENDING)? {
        tracing::debug!("a process of this user has been ending for long");
    }
    Ok(marked)
}

/// How long a process that is ending may take to be over.
const ENDING: Duration = Duration::from_secs(2);

/// How long a killed process may take to end.
const DEADLINE: Duration = Duration::from_secs(20);
