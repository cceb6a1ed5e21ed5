//! The places where this process may make control groups, and the groups of labs there.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::{AccessFlags, access};

use crate::mount_table::{self, MountedAt};

use super::group::{Group, remove_group};
use super::limit::{Controller, Limit};
use super::place::{OURS, PROCESSES, Place, create, may_write, unified_places};

/// The places where this process may make control groups.
#[derive(Debug, Default)]
pub struct ControlGroups {
    places: Vec<Place>,
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

    /// Holds the places by their descriptors, so that they can be used in another mount namespace, wherever its `/proc` is
    /// mounted.
    ///
    /// # Errors
    /// The system's.
    pub fn held(mut self) -> io::Result<Self> {
        for place in &mut self.places {
            let held = File::open(&place.folder)?;
            place.folder = PathBuf::from(format!("/proc/self/fd/{}", held.as_raw_fd()));
            place.held = Some(held);
        }
        Ok(self)
    }

    /// Makes the groups above those of a lab's nodes, and leaves out places where that cannot be or is not needed.
    ///
    /// # Errors
    /// The system's.
    pub fn prepare(&mut self, lab: &str, limits: &[Limit]) -> io::Result<()> {
        let mut prepared = Vec::new();
        for place in self.places.drain(..) {
            let wanted: Vec<_> = limits.iter().copied().filter(|l| place.takes(*l)).collect();
            if !wanted.is_empty() && place.prepare(lab, &wanted)? {
                prepared.push(place);
            }
        }
        self.places = prepared;
        Ok(())
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

    /// Lists the labs that have groups.
    pub fn survey(&self) -> BTreeSet<String> {
        let ours = self.places.iter().map(|place| place.folder.join(OURS));
        ours.flat_map(|ours| folders(&ours)).collect()
    }

    /// Returns whether there is a place for any limit.
    pub fn has_place(&self) -> bool {
        !self.places.is_empty()
    }
}

/// Returns whether the mount is of control groups that can limit something.
fn controls(mounted: &MountedAt) -> bool {
    let mut options = mounted.options.split(',');
    match mounted.kind.as_str() {
        "cgroup" => options.any(|option| Controller::named(option).is_some()),
        kind => kind == "cgroup2",
    }
}

fn folders(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

const CONTROLLERS: [Controller; 3] = [Controller::Memory, Controller::Cpu, Controller::Pids];
