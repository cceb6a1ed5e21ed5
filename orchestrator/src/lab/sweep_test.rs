//! Labs that change while they are swept.

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

use super::search::Found;
use super::*;
use crate::backend::fake::FakeBackend;
use crate::backend::{Backend, BackendError, BackendKind, HostName, LabHandle, Ledger, Resource};
use crate::lab::removal::remove_all;
use crate::plan::LabId;
use crate::plan::position::Positions;
use crate::plan::{LinkConditions, Plan};

/// An observer that notes what it is told.
#[derive(Default)]
struct Notes {
    removed: Vec<String>,
    stays: Vec<String>,
    failed: Vec<String>,
}

impl Observer for Notes {
    fn removing(&mut self, thing: &dyn Display) {
        self.removed.push(thing.to_string());
    }
    fn staying(&mut self, why: String) {
        self.stays.push(why);
    }
    fn failed(&mut self, why: String) {
        self.failed.push(why);
    }
    fn unseen(&mut self, _: BackendKind, _: &BackendError) {}
}

fn record(lab: &LabId, file: &Path) -> LabRecord {
    LabRecord {
        handle: LabHandle {
            lab: lab.clone(),
            backend: BackendKind::Fake,
            nodes: Vec::new(),
            hosts: [].into(),
        },
        plan: Plan {
            hidden: std::collections::BTreeSet::new(),
            hosts: Vec::new(),
            lab: lab.clone(),
            segments: Vec::new(),
            links: LinkConditions::default(),
            nodes: Vec::new(),
            positions: Positions::default(),
        },
        file: file.to_owned(),
        text: String::new(),
        overrides: std::collections::BTreeMap::new(),
        raised: String::new(),
    }
}

fn lab() -> LabId {
    LabId {
        name: "lab".parse().unwrap(),
        instance: 1,
    }
}

/// A state folder, and the backend of its labs.
struct Place {
    dir: tempfile::TempDir,
    state: StateDir,
    backends: [Arc<dyn Backend>; 1],
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::open(dir.path().join("state")).unwrap();
        Self {
            dir,
            state,
            backends: [Arc::new(FakeBackend::with_faults(""))],
        }
    }

    /// Sweeps all labs.
    fn sweep(&self) -> Sweep<'_> {
        Sweep {
            state: &self.state,
            backends: &self.backends,
            only: &[],
            dry_run: false,
        }
    }
}

/// It was looked at as it was being raised, and is up once it is locked.
#[tokio::test]
async fn a_lab_that_comes_up_between_look_and_lock_stays() {
    let place = Place::new();
    let sweep = place.sweep();
    let NewLab { folder, lock } = place.state.create(&lab()).unwrap();
    assert!(matches!(folder.standing(), Standing::Unfinished));
    let found = Found::default();
    let mut notes = Notes::default();
    sweep.sweep_idle(&folder, &found, &mut notes).await;
    assert!(
        notes.stays[0].contains("is at work in process"),
        "{:?}",
        notes.stays
    );
    folder
        .write_record(&record(&lab(), place.dir.path()))
        .unwrap();
    drop(lock);
    sweep.sweep_idle(&folder, &found, &mut notes).await;
    assert!(
        notes.stays[1].contains("has just come up"),
        "{:?}",
        notes.stays
    );
    assert!(folder.is_there() && notes.removed.is_empty() && notes.failed.is_empty());
    std::fs::remove_file(folder.path().join("record.json")).unwrap();
    sweep.sweep_idle(&folder, &found, &mut notes).await;
    assert!(!folder.is_there(), "{:?}", notes.failed);
}

/// A later version can raise labs on several machines, and this one may be asked to clean after it.
#[tokio::test]
async fn a_part_on_another_machine_is_never_taken_for_gone() {
    let place = Place::new();
    let sweep = place.sweep();
    let NewLab { folder, lock } = place.state.create(&lab()).unwrap();
    drop(lock);
    let there = Resource::OnHost {
        host: HostName("far".to_owned()),
        resource: Box::new(Resource::Fake("lab node a".to_owned())),
    };
    let ledger = FileLedger::open(BackendKind::Fake, folder.ledger()).unwrap();
    ledger.record(&there).unwrap();
    let mut notes = Notes::default();
    sweep
        .sweep_idle(&folder, &Found::default(), &mut notes)
        .await;
    let said = "lab node a on far could not be looked for";
    assert!(notes.failed[0].contains(said), "{:?}", notes.failed);
    assert!(folder.is_there() && notes.removed.is_empty());
    let left = remove_all(&place.backends[0], &[there]).await.unwrap_err();
    let left = LabError::from(left).to_string();
    assert!(left.contains("it is on far, which this version"), "{left}");
}

#[test]
fn a_handle_says_where_nodes_are_that_are_elsewhere() {
    let mut handle = record(&lab(), Path::new("/lab.toml")).handle;
    let here = serde_json::to_string(&handle).unwrap();
    assert!(!here.contains("hosts"), "{here}");
    assert_eq!(serde_json::from_str::<LabHandle>(&here).unwrap(), handle);
    let node = "a".parse().unwrap();
    handle.hosts.insert(node, HostName("far".to_owned()));
    let far = serde_json::to_string(&handle).unwrap();
    assert_eq!(serde_json::from_str::<LabHandle>(&far).unwrap(), handle);
}
