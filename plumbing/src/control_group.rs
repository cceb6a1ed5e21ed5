//! Control groups, version 1 and 2 (cgroups(7)), named `orchestrator/LAB/NODE` below the place where this process
//! may make groups.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use nix::unistd::{AccessFlags, access, geteuid};

use crate::mount_table::{self, MountedAt};
use crate::process::ProcessHandle;

/// A controller: the part of the kernel that limits a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Controller {
    /// Memory.
    Memory,
    /// Processor time.
    Cpu,
    /// Processes and threads.
    Pids,
}

/// A limit, for its controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Bytes, swap included.
    Memory(u64),
    /// Thousandths of a processor.
    MilliCpus(u32),
    /// Processes and threads.
    Pids(u32),
}

/// The places where this process may make control groups.
#[derive(Debug, Default)]
pub struct ControlGroups {
    places: Vec<Place>,
}

/// The group of a node: one in each place.
#[derive(Debug, Default)]
pub struct Group {
    /// Its `cgroup.procs` files, open for writing: a process joins by writing `0`.
    pub joins: Arc<[OwnedFd]>,
    counters: Vec<(Counted, File)>,
}

/// A thing that the kernel counts of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Processes that were ended for want of memory.
    KilledForMemory,
    /// Processes and threads that were refused.
    RefusedPids,
}

impl Group {
    /// Returns the count since the group was made; zero where the kernel has none.
    pub fn count(&self, counted: Counted) -> u64 {
        let counters = self.counters.iter().filter(|(of, _)| *of == counted);
        counters.filter_map(|(_, file)| counted.read(file)).sum()
    }
}

impl Counted {
    /// Finds its line in the file of a group, `oom_kill 3` (the kernel's Documentation/admin-guide/cgroup-v1 and -v2.rst).
    fn read(self, mut file: &File) -> Option<u64> {
        let mut text = String::new();
        file.rewind().ok()?;
        file.read_to_string(&mut text).ok()?;
        let word = match self {
            Self::KilledForMemory => "oom_kill ",
            Self::RefusedPids => "max ",
        };
        text.lines()
            .find_map(|line| line.strip_prefix(word)?.trim().parse().ok())
    }
}

/// A folder in which groups can be made.
#[derive(Debug)]
struct Place {
    folder: PathBuf,
    /// Keeps `folder` valid, if it is named by a descriptor.
    held: Option<File>,
    unified: bool,
    controllers: BTreeSet<Controller>,
}

/// The reason why there is not a place for every limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Hindrance {
    /// There are no control groups.
    #[error("no control groups are mounted")]
    NotMounted,
    /// They can be seen and not changed, as in many containers.
    #[error("the control groups at {} are mounted read-only", .0.display())]
    ReadOnly(PathBuf),
    /// They are somebody else's, or hand nothing down.
    #[error("no control group can be made here")]
    NotAllowed,
}

impl Hindrance {
    /// Returns what mends it.
    pub fn remedy(&self) -> String {
        match self {
            Self::NotMounted => "mount them at /sys/fs/cgroup".to_owned(),
            Self::ReadOnly(place) => format!(
                "`mount -o remount,rw {}`, or let whoever made this container show them writable",
                place.display()
            ),
            Self::NotAllowed => {
                "run as root, or in a session to which systemd delegates them".to_owned()
            }
        }
    }
}

impl ControlGroups {
    /// Says why there is not a place for every limit; `None` if there is.
    ///
    /// # Errors
    /// If `/proc` is not mounted.
    pub fn hindrance(&self) -> io::Result<Option<Hindrance>> {
        let has_place = |controller| {
            let mut places = self.places.iter();
            places.any(|place| place.controllers.contains(controller))
        };
        if CONTROLLERS.iter().all(has_place) {
            return Ok(None);
        }
        let mounted = mount_table::read()?.into_iter();
        let mounted: Vec<_> = mounted.filter(controls).collect();
        if mounted.is_empty() {
            return Ok(Some(Hindrance::NotMounted));
        }
        let is_read_only =
            |one: &MountedAt| access(&one.target, AccessFlags::W_OK) == Err(Errno::EROFS);
        let read_only = mounted.into_iter().find(is_read_only);
        Ok(Some(match read_only {
            Some(one) => Hindrance::ReadOnly(one.target),
            None => Hindrance::NotAllowed,
        }))
    }

    /// Finds the places in the mount table. To find none is no error.
    ///
    /// # Errors
    /// If `/proc` is not mounted.
    pub fn find() -> io::Result<Self> {
        let mut places = Vec::new();
        for mounted in mount_table::read()? {
            if mounted.kind == "cgroup" {
                let controllers: BTreeSet<_> = mounted
                    .options
                    .split(',')
                    .filter_map(Controller::named)
                    .collect();
                if !controllers.is_empty() && may_write(&mounted.target) {
                    places.push(Place {
                        folder: mounted.target,
                        held: None,
                        unified: false,
                        controllers,
                    });
                }
            } else if mounted.kind == "cgroup2" {
                places.extend(unified_places(&mounted.target));
            }
        }
        Ok(Self { places })
    }

    /// Makes the groups above those of a lab's nodes. Returns the places for them, held by their descriptors: they can be used
    /// in another mount namespace, wherever its `/proc` is mounted. A place that lacks a controller after all is left out.
    ///
    /// # Errors
    /// The system's.
    pub fn prepare(mut self, lab: &str, limits: &[Limit]) -> io::Result<Self> {
        let mut prepared = Vec::new();
        for mut place in self.places.drain(..) {
            let wanted: Vec<_> = limits.iter().copied().filter(|l| place.takes(*l)).collect();
            if wanted.is_empty() || !place.prepare(lab, &wanted)? {
                continue;
            }
            let held = File::open(&place.folder)?;
            place.folder = PathBuf::from(format!("/proc/self/fd/{}", held.as_raw_fd()));
            place.held = Some(held);
            prepared.push(place);
        }
        Ok(Self { places: prepared })
    }

    /// Returns whether there is a place for a limit.
    pub fn can_enforce(&self, limit: Limit) -> bool {
        self.places.iter().any(|place| place.takes(limit))
    }

    /// Makes the group of a node, with those of its limits that there is a place for.
    ///
    /// # Errors
    /// The system's.
    pub fn make(&self, lab: &str, node: &str, limits: &[Limit]) -> io::Result<Group> {
        let (mut joins, mut counters) = (Vec::new(), Vec::new());
        let mut left = limits.to_vec();
        for place in &self.places {
            let wanted: Vec<_> = left.iter().copied().filter(|l| place.takes(*l)).collect();
            if wanted.is_empty() {
                continue;
            }
            let group = place.group(lab).join(node);
            create(&group)?;
            for limit in &wanted {
                place.set(&group, *limit)?;
            }
            let procs = OpenOptions::new().write(true).open(group.join(PROCESSES))?;
            joins.push(OwnedFd::from(procs));
            counters.extend(
                wanted
                    .iter()
                    .filter_map(|limit| place.counter(&group, *limit)),
            );
            left.retain(|limit| !wanted.contains(limit));
        }
        Ok(Group {
            joins: joins.into(),
            counters,
        })
    }

    /// Removes all groups of a lab, wherever they are, and ends the processes in them. To find none is no error.
    ///
    /// # Errors
    /// The system's. `EBUSY` if processes in a group do not end.
    pub fn remove(&self, lab: &str) -> io::Result<()> {
        for place in &self.places {
            let group = place.group(lab);
            for node in folders(&group) {
                remove_group(&group.join(node))?;
            }
            // The group `orchestrator` stays while another lab has groups in it.
            let _ = fs::remove_dir(&group);
            let _ = fs::remove_dir(place.folder.join(OURS));
        }
        Ok(())
    }

    /// Lists all groups below `orchestrator`: the lab's and the node's part of their names.
    pub fn survey(&self) -> BTreeSet<(String, String)> {
        let mut found = BTreeSet::new();
        for place in &self.places {
            for lab in folders(&place.folder.join(OURS)) {
                for node in folders(&place.group(&lab)) {
                    found.insert((lab.clone(), node));
                }
            }
        }
        found
    }
}

impl Controller {
    fn named(name: &str) -> Option<Self> {
        match name {
            "memory" => Some(Self::Memory),
            "cpu" => Some(Self::Cpu),
            "pids" => Some(Self::Pids),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Cpu => "cpu",
            Self::Pids => "pids",
        }
    }
}

impl Limit {
    /// Returns the controller that enforces it.
    pub fn controller(self) -> Controller {
        match self {
            Self::Memory(_) => Controller::Memory,
            Self::MilliCpus(_) => Controller::Cpu,
            Self::Pids(_) => Controller::Pids,
        }
    }
}

impl Place {
    fn takes(&self, limit: Limit) -> bool {
        self.controllers.contains(&limit.controller())
    }

    fn group(&self, lab: &str) -> PathBuf {
        self.folder.join(OURS).join(lab)
    }

    /// Makes the groups above a node's. In version 2 each of them must hand its controllers down, which a group with
    /// processes of its own cannot do. Returns `false` in that case.
    fn prepare(&self, lab: &str, wanted: &[Limit]) -> io::Result<bool> {
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
    fn counter(&self, group: &Path, limit: Limit) -> Option<(Counted, File)> {
        let (counted, file) = match limit {
            Limit::Memory(_) if self.unified => (Counted::KilledForMemory, "memory.events"),
            Limit::Memory(_) => (Counted::KilledForMemory, "memory.oom_control"),
            Limit::Pids(_) => (Counted::RefusedPids, "pids.events"),
            Limit::MilliCpus(_) => return None,
        };
        Some((counted, File::open(group.join(file)).ok()?))
    }

    fn set(&self, group: &Path, limit: Limit) -> io::Result<()> {
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
fn unified_places(mounted_at: &Path) -> Vec<Place> {
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

/// Returns whether the mount is of control groups that can limit something.
fn controls(mounted: &MountedAt) -> bool {
    let mut options = mounted.options.split(',');
    match mounted.kind.as_str() {
        "cgroup" => options.any(|option| Controller::named(option).is_some()),
        kind => kind == "cgroup2",
    }
}

fn may_make_groups(folder: &Path) -> bool {
    may_write(folder) && may_write(&folder.join(PROCESSES))
}

fn may_write(path: &Path) -> bool {
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

fn create(group: &Path) -> io::Result<()> {
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

/// Removes a group, and ends the processes that are still in it: the kernel removes only empty groups.
fn remove_group(group: &Path) -> io::Result<()> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        match fs::remove_dir(group) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(error);
                }
                end_processes(group, left)?;
            }
            other => return other,
        }
    }
}

fn end_processes(group: &Path, within: Duration) -> io::Result<()> {
    let processes = fs::read_to_string(group.join(PROCESSES))?;
    let handles: Vec<_> = processes
        .lines()
        .filter_map(|line| ProcessHandle::open(line.parse().ok()?).ok())
        .collect();
    handles.iter().try_for_each(ProcessHandle::kill)?;
    for handle in handles {
        handle.wait(within)?;
    }
    Ok(())
}

fn folders(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

const CONTROLLERS: [Controller; 3] = [Controller::Memory, Controller::Cpu, Controller::Pids];

/// The group above those of all labs.
const OURS: &str = "orchestrator";

const PROCESSES: &str = "cgroup.procs";

/// The period in microseconds over which processor time is shared out.
const PERIOD: u32 = 100_000;

/// The least quota in microseconds that the kernel takes (`min_cfs_quota_period`).
const SMALLEST_QUOTA: u32 = 1000;

const DEADLINE: Duration = Duration::from_secs(10);
