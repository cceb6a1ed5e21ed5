//! The view that all nodes of a lab share below their own writes: the keeper's mount namespace, pruned to
//! what nodes are built from, so that each node copies a short mount table.
//!
//! ```text
//! /host       this machine's files, read-only
//! /template   what every node has in their place: an empty /tmp and /run, its own /dev
//! /here       where the user is, if that is in /tmp
//! /devices    this machine's device files, where new ones cannot be made
//! /stage      where a node mounts its own root
//! /node       the program, read-only
//! /proc /sys  as on this machine; in a user namespace the kernel lets nodes mount their own only
//!             where these can be seen
//! ```

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::mount::MsFlags;
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use plumbing::mount::{self, Below};
use plumbing::mount_table;
use protocol::keeper::{KeeperFailure, LabSpec};

use super::failure::DuringStep;

/// The keeper's privileges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Privilege {
    /// It administers the machine.
    Machine,
    /// It is root in a user namespace only.
    UserNamespace,
}

/// The parts that nodes are built from. Paths are absolute, as on this machine and in a node.
#[derive(Debug)]
pub(super) struct World {
    pub(super) privilege: Privilege,
    /// Layers of a node's root, the uppermost first.
    pub(super) layers: Vec<&'static Path>,
    /// Folders shown in every node read-only, with what is mounted below them.
    pub(super) shown: Vec<PathBuf>,
    /// Folders that every node writes to privately, parents before children.
    pub(super) private: Vec<PathBuf>,
    /// Where the user is, if that is in a place that nodes have anew.
    pub(super) here: Option<PathBuf>,
    /// For each node, more such folders.
    pub(super) private_of: Vec<Vec<PathBuf>>,
    /// Names in `/dev` that are shown from `/devices`.
    pub(super) devices: Vec<&'static str>,
    /// The folder of the agents' sockets.
    pub(super) sockets: PathBuf,
}

impl World {
    /// Builds it where [`super::program`] has mounted the keeper's root, and makes it the root of this process's mount
    /// namespace, which must be its own.
    pub(super) fn build(privilege: Privilege, spec: &LabSpec) -> Result<Self, KeeperFailure> {
        let doing = "preparing what nodes see of this machine";
        let mut world = Self {
            privilege,
            layers: vec![Path::new("/template")],
            shown: Vec::new(),
            private: Vec::new(),
            here: None,
            private_of: Vec::new(),
            devices: Vec::new(),
            sockets: std::env::current_dir().during(doing)?,
        };
        fill_base().during(doing)?;
        world.show_where_the_user_is(spec).during(doing)?;
        match privilege {
            Privilege::Machine => world.show_machine().during(doing)?,
            Privilege::UserNamespace => world.show_folders(spec).during(doing)?,
        }
        world.make_devices().during("making device files")?;
        mount::change_root(Path::new(BASE)).during("changing the keeper's root")?;
        Ok(world)
    }

    fn show_where_the_user_is(&mut self, spec: &LabSpec) -> io::Result<()> {
        let here = spec.working_directory.as_deref().map(PathBuf::from);
        self.here =
            here.filter(|here| here.starts_with("/tmp") && *here != *"/tmp" && here.is_dir());
        if let Some(here) = &self.here {
            mount::bind(here, &base("here"), Below::Included)?;
            mount::make_read_only(&base("here"), Below::Included)?;
        }
        Ok(())
    }

    /// As the machine's administrator: an overlay over the whole root, and one over each further
    /// file system with files in it.
    fn show_machine(&mut self) -> io::Result<()> {
        self.layers.push(Path::new("/host"));
        mount::bind(Path::new("/"), &base("host"), Below::LeftOut)?;
        for hidden in ["dev", "tmp", "run"] {
            mount::hide_lower_layers(&base("template").join(hidden))?;
        }
        for mounted in mount_table::read()? {
            let target = mounted.target;
            let files = target.is_dir() && holds_files(&mounted.kind) && !is_left_out(&target);
            if files && !self.private.contains(&target) {
                // What hides in the machine's root under another mount cannot be shown.
                if mount::bind(&target, &below_base("host", &target), Below::LeftOut).is_ok() {
                    self.private.push(target);
                }
            }
        }
        self.private.sort();
        mount::make_read_only(&base("host"), Below::Included)
    }

    /// In a user namespace, which must not uncover what lies under a mount: the root's folders one by
    /// one, read-only, with an overlay over those that programs write to.
    fn show_folders(&mut self, spec: &LabSpec) -> io::Result<()> {
        for kernel in ["proc", "sys"] {
            mount::bind(&Path::new("/").join(kernel), &base(kernel), Below::Included)?;
        }
        for entry in fs::read_dir("/")? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            let in_template = below_base("template", &path);
            if kind.is_symlink() {
                symlink(fs::read_link(&path)?, in_template)?;
            } else if kind.is_dir() && !is_left_out(&path) && !in_template.exists() {
                fs::create_dir(&in_template)?;
                let shown = below_base("host", &path);
                fs::create_dir(&shown)?;
                mount::bind(&path, &shown, Below::Included)?;
                mount::make_read_only(&shown, Below::Included)?;
                self.shown.push(path);
            }
        }
        let written = ["/etc", "/home", "/var/tmp"].map(PathBuf::from);
        let here = spec.working_directory.as_deref().map(Path::new);
        let wanted = written.into_iter().chain(here.and_then(existing_folder));
        self.private = in_order(wanted.filter(|folder| self.needs_overlay(folder)));
        self.hide_state_folder()?;
        for node in &spec.nodes {
            let folders = node.file_targets.iter().filter_map(|target| {
                let folder = existing_folder(Path::new(target).parent()?)?;
                let new = self.needs_overlay(&folder) && !self.private.contains(&folder);
                new.then_some(folder)
            });
            let folders = in_order(folders);
            self.private_of.push(folders);
        }
        Ok(())
    }

    /// Hides the labs of this user, whose agents' sockets could be connected to. Through an overlay none can be.
    fn hide_state_folder(&self) -> io::Result<()> {
        // The keeper runs in STATE/LAB/nodes.
        let Some(state) = self.sockets.ancestors().nth(2) else {
            return Ok(());
        };
        if !self.needs_overlay(state) || self.private.iter().any(|p| state.starts_with(p)) {
            return Ok(());
        }
        let (shown, sealed) = (below_base("host", state), MsFlags::MS_RDONLY);
        mount::mount_new("tmpfs", &shown, sealed, "mode=755")
    }

    /// Whether a folder is one of those shown read-only, or below one.
    fn needs_overlay(&self, folder: &Path) -> bool {
        self.shown.iter().any(|shown| folder.starts_with(shown))
            && below_base("host", folder).is_dir()
    }

    /// Where the process may make no device files, this machine's are shown.
    fn make_devices(&mut self) -> io::Result<()> {
        for (name, major, minor) in DEVICES {
            let here = Path::new("/dev").join(name);
            if !here.exists() {
                continue;
            }
            let in_template = base("template/dev").join(name);
            let mode = Mode::from_bits_truncate(0o666);
            let made = match self.privilege {
                Privilege::UserNamespace => Err(Errno::EPERM),
                Privilege::Machine => {
                    mknod(&in_template, SFlag::S_IFCHR, mode, makedev(major, minor))
                }
            };
            match made {
                Ok(()) => fs::set_permissions(&in_template, fs::Permissions::from_mode(0o666))?,
                Err(Errno::EPERM) => {
                    fs::write(&in_template, "")?;
                    let shown = base("devices").join(name.replace('/', "-"));
                    fs::write(&shown, "")?;
                    mount::bind(&here, &shown, Below::LeftOut)?;
                    self.devices.push(name);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

fn fill_base() -> io::Result<()> {
    for folder in [
        "host", "here", "devices", "stage", "proc", "sys", "template",
    ] {
        fs::create_dir(base(folder))?;
    }
    for (folder, mode) in TEMPLATE {
        let path = base("template").join(folder);
        fs::DirBuilder::new().mode(mode).create(&path)?;
        // The umask of whoever started the keeper is not the nodes'.
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
    }
    for (link, target) in DEVICE_LINKS {
        symlink(target, base("template/dev").join(link))?;
    }
    Ok(())
}

/// The deepest folder on the way to `path` that exists, without symbolic links in it.
fn existing_folder(path: &Path) -> Option<PathBuf> {
    path.ancestors()
        .find_map(|ancestor| fs::canonicalize(ancestor).ok())
        .filter(|found| found.is_dir())
}

fn in_order(folders: impl Iterator<Item = PathBuf>) -> Vec<PathBuf> {
    let mut folders: Vec<_> = folders.collect();
    folders.sort();
    folders.dedup();
    folders
}

/// Whether a file system of this kind has files of its own, rather than the kernel's.
fn holds_files(kind: &str) -> bool {
    !WITHOUT_FILES.contains(&kind)
}

/// Whether nodes have something else in this place.
fn is_left_out(path: &Path) -> bool {
    path == "/" || LEFT_OUT.iter().any(|left_out| path.starts_with(left_out))
}

fn base(folder: &str) -> PathBuf {
    Path::new(BASE).join(folder)
}

fn below_base(folder: &str, path: &Path) -> PathBuf {
    base(folder).join(path.strip_prefix("/").unwrap_or(path))
}

/// The place where the keeper's own root is mounted at first: a folder that every machine has, and of which
/// nodes see nothing.
pub(super) const BASE: &str = "/run";

/// Folders that every node has anew, with their permission bits.
const TEMPLATE: [(&str, u32); 10] = [
    ("proc", 0o555),
    ("sys", 0o555),
    ("root", 0o700),
    ("tmp", 0o1777),
    ("run", 0o755),
    ("run/lock", 0o1777),
    ("dev", 0o755),
    ("dev/pts", 0o755),
    ("dev/shm", 0o1777),
    ("dev/net", 0o755),
];

const DEVICE_LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
];

/// Device files in `/dev`, with their numbers (the kernel's Documentation/admin-guide/devices.txt).
const DEVICES: [(&str, u64, u64); 7] = [
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
    ("net/tun", 10, 200),
];

/// Folders in whose place nodes have something of their own, or that hold other tools' containers.
const LEFT_OUT: [&str; 13] = [
    "/boot",
    "/dev",
    "/proc",
    "/run",
    "/sys",
    "/tmp",
    "/lost+found",
    "/snap",
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/docker",
    "/var/lib/kubelet",
    "/var/run",
];

const WITHOUT_FILES: [&str; 22] = [
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fusectl",
    "hugetlbfs",
    "mqueue",
    "nsfs",
    "overlay",
    "proc",
    "pstore",
    "ramfs",
    "rpc_pipefs",
    "securityfs",
    "sysfs",
    "tracefs",
];
