//! Removes the resources of a ledger, and finds processes that carry a lab's mark.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::str::FromStr;
use std::time::{Duration, Instant};

use plumbing::control_group::ControlGroups;
use plumbing::folder::{Entry, Folder};
use plumbing::process::{ProcessIdentity, children_of, find_marked, wait_for_ending};
use protocol::keeper::MARK;
use protocol::keeper::channel::SOCKET;

use crate::backend::{BackendErrorKind, Owned, Provenance, Resource};
use crate::plan::LabId;

/// Ends the keeper of a lab, which ends its nodes, and waits until all are gone. Then removes their sockets and
/// control groups, including those that the keeper was still making when it was found.
pub(super) fn remove(
    lab: &LabId,
    keeper: Option<ProcessIdentity>,
    folder: &Path,
) -> Result<(), BackendErrorKind> {
    if let Some(keeper) = keeper {
        end(keeper, lab)?;
    }
    let groups = ControlGroups::find().map_err(BackendErrorKind::system)?;
    let removed = groups.remove(&lab.to_string());
    removed.map_err(BackendErrorKind::system)?;
    match Folder::open(folder).and_then(|lab| remove_sockets(&lab)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(BackendErrorKind::system(error))
        }
        _ => Ok(()),
    }
}

/// Ends a keeper. The recorded process waits for the end of its only child, the first process of the lab's process
/// namespace, and then ends too. So its end is the end of all.
fn end(keeper: ProcessIdentity, lab: &LabId) -> Result<(), BackendErrorKind> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let Some(process) = keeper.hold().map_err(BackendErrorKind::system)? else {
            return Ok(());
        };
        for child in children_of(keeper.number).map_err(BackendErrorKind::system)? {
            child.kill().map_err(BackendErrorKind::system)?;
        }
        // Perhaps it is stopped. It has nothing to do but wait.
        if Instant::now() + DEADLINE / 2 >= deadline {
            process.kill().map_err(BackendErrorKind::system)?;
        }
        // A keeper that was just starting may get its child only now, so look again.
        if process.wait(LOOK_AGAIN).map_err(BackendErrorKind::system)? {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(BackendErrorKind::Deadline {
                seconds: DEADLINE.as_secs(),
                awaited: format!("the processes of {lab} to end"),
            });
        }
    }
}

/// Removes the folder of the agents' sockets from a lab's folder, with the entries that a keeper makes in it and
/// nothing else.
///
/// # Errors
/// If it holds anything else. The system's.
pub fn remove_sockets(lab: &Folder) -> io::Result<()> {
    let removed = lab.folder(SOCKETS).and_then(|folder| {
        let entries = folder.entries()?;
        for entry in entries.iter().filter(|entry| is_made_by_keeper(entry)) {
            folder.remove_file(&entry.name)?;
        }
        lab.remove_folder(SOCKETS)
    });
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Returns whether an entry of that folder is a socket of a lab or the log of its keeper.
pub fn is_made_by_keeper(entry: &Entry) -> bool {
    let number = entry
        .name
        .to_str()
        .is_some_and(|name| name.parse::<u32>().is_ok());
    !entry.is_folder && (number || entry.name == SOCKET || entry.name == LOG)
}

/// Lists the control groups and keepers that carry a lab's mark. Anybody can start a process with such a mark, so it is
/// only a hint. A keeper is listed in the form in which it is recorded.
pub(super) fn survey() -> Result<Vec<Owned>, BackendErrorKind> {
    let groups = ControlGroups::find().map_err(BackendErrorKind::system)?;
    let groups = groups.survey().into_iter().filter_map(|lab| {
        let lab = LabId::from_str(&lab).ok()?;
        Some(Owned {
            resource: Resource::ControlGroup { lab: lab.clone() },
            provenance: Provenance::Hint {
                why: "has a control group here".to_owned(),
            },
            lab,
        })
    });
    let keepers = keepers().map_err(BackendErrorKind::system)?;
    let keepers = keepers.into_iter().map(|(lab, process)| Owned {
        resource: Resource::Keeper {
            lab: lab.clone(),
            process,
        },
        provenance: Provenance::Hint {
            why: format!("is named in the environment of process {}", process.number),
        },
        lab,
    });
    Ok(groups.chain(keepers).collect())
}

/// Returns the oldest process of each lab that processes name in their environment. This is the lab's keeper, since a
/// process is older than its descendants. A keeper without a child has made nothing yet.
fn keepers() -> io::Result<BTreeMap<LabId, ProcessIdentity>> {
    let marked = find_marked(MARK)?;
    // Processes that are ending no longer show their mark.
    if !wait_for_ending(ENDING)? {
        tracing::debug!("a process of this user has been ending for long");
    }
    let mut found = BTreeMap::<LabId, Vec<(u64, usize, ProcessIdentity)>>::new();
    for one in marked {
        let alive = !one.process.wait(Duration::ZERO)?;
        if let (true, Ok(lab)) = (alive, one.value.parse()) {
            let born = (one.identity.started, one.depth, one.identity);
            found.entry(lab).or_default().push(born);
        }
    }
    let made_something = found
        .into_iter()
        .filter(|(_, processes)| processes.len() > 1);
    Ok(made_something
        .filter_map(|(lab, processes)| {
            let (_, _, oldest) = processes.into_iter().min()?;
            Some((lab, oldest))
        })
        .collect())
}

/// The time that a process may take to end once it has begun to.
const ENDING: Duration = Duration::from_secs(2);

/// The time that a killed process may take to end.
const DEADLINE: Duration = Duration::from_secs(10);

/// The time that a keeper may take from its child's end to its own, before its children are looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The folder of the agents' sockets, in a lab's folder.
pub const SOCKETS: &str = "nodes";

/// The keeper's log, beside the sockets.
pub(super) const LOG: &str = "keeper.log";
