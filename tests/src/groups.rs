//! Control groups for the tests themselves, so that they see no labs but their own.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use nix::mount::{MntFlags, MsFlags, mount, umount2};

/// Groups that stand in for the roots of their hierarchies, for processes in this mount namespace.
/// They are removed when it is dropped.
#[derive(Debug, Default)]
pub struct OwnGroups {
    covered: Vec<(PathBuf, String)>,
}

impl OwnGroups {
    /// Makes them where this process may. Needs a mount namespace of its own.
    pub fn enter() -> Self {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        let mut own = Self::default();
        for line in mounts.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            if let [_, root, "cgroup" | "cgroup2", ..] = words.as_slice() {
                let _ = own.cover(PathBuf::from(root));
            }
        }
        own
    }

    fn cover(&mut self, root: PathBuf) -> io::Result<()> {
        // Process numbers are the same in each process namespace; its own mount namespace has a number of its own.
        let own = fs::metadata("/proc/self/ns/mnt")?.ino();
        let name = format!("e2e-{own}");
        // In version 2 a group hands its controllers down before those below can use them.
        let offered = fs::read_to_string(root.join("cgroup.controllers")).unwrap_or_default();
        for controller in offered.split_whitespace() {
            let _ = fs::write(
                root.join("cgroup.subtree_control"),
                format!("+{controller}"),
            );
        }
        let group = root.join(&name);
        match fs::create_dir(&group) {
            // One that a killed run left behind: numbers come again.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => made?,
        }
        let none = None::<&str>;
        if let Err(error) = mount(Some(&group), &root, none, MsFlags::MS_BIND, none) {
            fs::remove_dir(&group)?;
            return Err(error.into());
        }
        self.covered.push((root, name));
        Ok(())
    }
}

impl Drop for OwnGroups {
    fn drop(&mut self) {
        for (root, name) in &self.covered {
            umount2(root, MntFlags::empty()).unwrap();
            fs::remove_dir(root.join(name)).unwrap();
        }
    }
}
