//! Folders in which control groups can be made.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access, geteuid};

use super::group::Counted;
use super::limit::{Controller, Limit};

/// A folder in which groups can be made.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) folder: PathBuf,
    /// Keeps `folder` valid, if it is named by a descriptor.
    pub(super) held: Option<File>,
    pub(super) unified: bool,
    pub(super) controllers: BTreeSet<Controller>,
}

impl Place {
    pub(super) fn takes(&self, limit: Limit) -> bool {
        self.controllers.contains(&limit.controller())
    }

    pub(super) fn group(&self, lab: &str) -> PathBuf {
        self.folder.join(OURS).join(lab)
    }

    /// Makes the groups above a node's. In version 2 each of them must hand its controllers down, which a group with
    /// processes of its own cannot do. Returns `false` in that case.
    pub(super) fn prepare(&self, lab: &str, wanted: &[Limit]) -> io::Result<bool> {
        let ours = self.folder.join(OURS);
        let group = self.group(lab);
        for (parent, child) in [(&self.folder, &ours), (&ours, &group)] {
            if self.unified && !hand_down(parent, wanted) {
                return Ok(false);
            }
            create(child)?;
        }
        Ok(!self.unified || hand_down(&group, wanted))
    }

    /// Opens the file that counts how often a limit was reached.
    pub(super) fn counter(&self, group: &Path, limit: Limit) -> Option<(Counted, File)> {
        let (counted, file) = match limit {
            Limit::Memory(_) if self.unified => (Counted::KilledForMemory, "memory.events"),
            Limit::Memory(_) => (Counted::KilledForMemory, "memory.oom_control"),
            Limit::Pids(_) => (Counted::RefusedPids, "pids.events"),
            Limit::MilliCpus(_) => return None,
        };
        Some((counted, File::open(group.join(file)).ok()?))
    }

    pub(super) fn set(&self, group: &Path, limit: Limit) -> io::Result<()> {
        let write = |file: &str, value: String| fs::write(group.join(file), value);
        match (self.unified, limit) {
            (_, Limit::Pids(most)) => write("pids.max", most.to_string()),
            (true, Limit::Memory(bytes)) => {
                write("memory.max", bytes.to_string())?;
                if_there(write("memory.swap.max", "0".to_owned()))
            }
            (false, Limit::Memory(bytes)) => {
                write("memory.limit_in_bytes", bytes.to_string())?;
                if_there(write("memory.memsw.limit_in_bytes", bytes.to_string()))
            }
            (true, Limit::MilliCpus(share)) => {
                write("cpu.max", format!("{} {PERIOD}", quota(share)))
            }
            (false, Limit::MilliCpus(share)) => {
                write("cpu.cfs_period_us", PERIOD.to_string())?;
                write("cpu.cfs_quota_us", quota(share).to_string())
            }
        }
    }
}

/// Returns the places in version 2's hierarchy: the highest group above this process's own in which it may make
/// groups, and for a user the group that systemd gives to each user.
pub(super) fn unified_places(mounted_at: &Path) -> Vec<Place> {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = own.lines().find_map(|line| line.strip_prefix("0::/"));
    let own = mounted_at.join(own.unwrap_or_default());
    let above: Vec<_> = own
        .ancestors()
        .filter(|folder| folder.starts_with(mounted_at))
        .collect();
    let highest = above
        .into_iter()
        .rev()
        .find(|folder| may_make_groups(folder));
    let user = geteuid();
    let handed = format!("user.slice/user-{user}.slice/user@{user}.service");
    let handed = Some(mounted_at.join(handed)).filter(|folder| may_make_groups(folder));
    let folders: BTreeSet<_> = highest
        .map(Path::to_owned)
        .into_iter()
        .chain(handed)
        .collect();
    let place = |folder: PathBuf| {
        let controllers = fs::read_to_string(folder.join("cgroup.controllers")).ok()?;
        let controllers: BTreeSet<_> = controllers
            .split_whitespace()
            .filter_map(Controller::named)
            .collect();
        (!controllers.is_empty()).then_some(Place {
            folder,
            held: None,
            unified: true,
            controllers,
        })
    };
    folders.into_iter().filter_map(place).collect()
}

fn may_make_groups(folder: &Path) -> bool {
    may_write(folder) && may_write(&folder.join(PROCESSES))
}

pub(super) fn may_write(path: &Path) -> bool {
    access(path, AccessFlags::W_OK).is_ok()
}

fn hand_down(group: &Path, wanted: &[Limit]) -> bool {
    wanted.iter().all(|limit| {
        let name = limit.controller().name();
        let file = group.join("cgroup.subtree_control");
        let already = fs::read_to_string(&file)
            .is_ok_and(|handed| handed.split_whitespace().any(|one| one == name));
        already || fs::write(&file, format!("+{name}")).is_ok()
    })
}

pub(super) fn create(group: &Path) -> io::Result<()> {
    match fs::create_dir(group) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// A kernel without accounting of swap has no file for its limit.
fn if_there(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn quota(milli_cpus: u32) -> u32 {
    milli_cpus.saturating_mul(PERIOD / 1000).max(SMALLEST_QUOTA)
}

/// The group above those of all labs.
pub(super) const OURS: &str = "orchestrator";

pub(super) const PROCESSES: &str = "cgroup.procs";

/// The period in microseconds over which processor time is shared out.
const PERIOD: u32 = 100_000;

/// The least quota in microseconds that the kernel takes (`min_cfs_quota_period`).
const SMALLEST_QUOTA: u32 = 1000;
