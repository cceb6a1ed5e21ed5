//! A node's own root: what all nodes see, and above it a file system in memory that takes the node's
//! writes.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::mount::MsFlags;
use plumbing::mount::{self, Below, Overlay, Written};
use protocol::keeper::KeeperFailure;
use protocol::settings::Sandbox;

use super::failure::DuringStep;
use super::view::below;
use super::world::{Privilege, World};

/// Builds the root of a node and moves into it. The process must be alone in its mount namespace, and
/// in the node's other namespaces, whose `/proc` and `/sys` are mounted. Its files take `disk` bytes at most.
pub(super) fn build(world: &World, node: usize, disk: u64) -> Result<(), KeeperFailure> {
    let missing = || Errno::ENOENT;
    let (view, own) = world
        .parts_of(node)
        .ok_or_else(missing)
        .during("finding its parts")?;
    let stage = Path::new("/stage");
    // An empty file takes memory too.
    let options = format!(
        "mode=755,size={disk},nr_inodes={}",
        (disk / PAGE).max(FILES)
    );
    mount::mount_new("tmpfs", stage, MsFlags::empty(), &options)
        .during("mounting memory for the node's writes")?;
    let closed = own.sandbox != Sandbox::Off;
    let mut layers = Layers {
        privilege: world.privilege,
        owner: closed.then(|| world.privilege.users().first),
        made: 0,
    };
    let root = stage.join("root");
    fs::create_dir(&root).during("making the node's root")?;
    layers
        .overlay(&view.layers, &root, 0o755, &[])
        .during("mounting the node's root")?;
    let at = |path: &Path| below(&root, path);
    for shown in &view.shown {
        mount::bind(&shown.source, &at(&shown.target), Below::Included)
            .during(format!("showing {}", shown.target.display()))?;
    }
    for private in view.private.iter().chain(&own.private) {
        layers
            .make_private(&private.layer, &at(&private.target))
            .during(format!(
                "making {} the node's own",
                private.target.display()
            ))?;
    }
    for bind in &own.binds {
        let doing = || format!("showing {}, as `binds` says", bind.target.display());
        layers
            .make_place(&bind.source, &at(&bind.target))
            .during(doing())?;
        mount::bind(&bind.source, &at(&bind.target), Below::Included).during(doing())?;
    }
    for device in &world.devices {
        let source = Path::new("/devices").join(device.replace('/', "-"));
        mount::bind(&source, &at(Path::new("/dev")).join(device), Below::LeftOut)
            .during(format!("showing /dev/{device}"))?;
    }
    mount_kernel_files(&root)?;
    if closed || world.privilege == Privilege::Machine {
        protect_machine(&root).during("protecting the machine's settings")?;
    }
    if closed && world.privilege == Privilege::UserNamespace {
        protect_agent(&root).during("protecting the agent's settings")?;
    }
    mount::change_root(&root).during("changing the node's root")
}

/// Makes overlays whose upper layers are in the node's memory.
#[derive(Debug)]
struct Layers {
    privilege: Privilege,
    /// The user that the upper layers belong to, if it is another than this process's.
    owner: Option<u32>,
    made: usize,
}

impl Layers {
    /// `own` are names of empty files to begin with, in place of those below.
    fn overlay(
        &mut self,
        lower: &[&Path],
        target: &Path,
        mode: u32,
        own: &[&str],
    ) -> io::Result<()> {
        let layer = |kind: &str| -> io::Result<PathBuf> {
            let path = Path::new("/stage").join(format!("{kind}{}", self.made));
            fs::create_dir(&path)?;
            Ok(path)
        };
        let (upper, work) = (layer("upper")?, layer("work")?);
        self.made += 1;
        fs::set_permissions(&upper, fs::Permissions::from_mode(mode))?;
        lchown(&upper, self.owner, self.owner)?;
        for name in own {
            fs::write(upper.join(name), "")?;
        }
        Overlay {
            lower,
            written: Some(Written {
                upper: &upper,
                work: &work,
            }),
        }
        .mount(target, self.privilege.in_user_namespace())
    }

    /// Makes an empty folder or file to mount `source` upon, where there is none.
    fn make_place(&self, source: &Path, place: &Path) -> io::Result<()> {
        let is_folder = source.is_dir();
        let folder = if is_folder {
            Some(place)
        } else {
            place.parent()
        };
        let missing = folder.into_iter().flat_map(Path::ancestors);
        let missing: Vec<_> = missing.take_while(|above| !above.exists()).collect();
        for folder in missing.into_iter().rev() {
            fs::create_dir(folder)?;
            lchown(folder, self.owner, self.owner)?;
        }
        if !is_folder && !place.exists() {
            fs::write(place, "")?;
        }
        Ok(())
    }

    /// Shows the folder `below` with an overlay, or what comes nearest to it.
    fn make_private(&mut self, below: &Path, target: &Path) -> io::Result<()> {
        let mode = fs::metadata(below)?.permissions().mode() & 0o7777;
        // A user namespace may not write to files of users outside it, not even to a copy.
        let own: &[&str] = match below.to_str() {
            Some("/host/etc") => &["hosts", "hostname"],
            _ => &[],
        };
        if self.overlay(&[below], target, mode, own).is_ok() {
            return Ok(());
        }
        if self.privilege == Privilege::Machine {
            return mount::bind(below, target, Below::LeftOut);
        }
        self.assemble(below, target, mode, own)
    }

    /// Where no overlay is allowed, because other mounts lie below: a folder in the node's memory, in
    /// which each entry of the one below is shown in its place, read-only.
    fn assemble(&mut self, below: &Path, target: &Path, mode: u32, own: &[&str]) -> io::Result<()> {
        let assembled = Path::new("/stage").join(format!("assembled{}", self.made));
        self.made += 1;
        fs::create_dir(&assembled)?;
        for name in own {
            fs::write(assembled.join(name), "")?;
        }
        // What this user may not read stays out of sight.
        for entry in fs::read_dir(below).into_iter().flatten() {
            let entry = entry?;
            let (kind, shown) = (entry.file_type()?, assembled.join(entry.file_name()));
            if shown.exists() {
                continue;
            }
            if kind.is_symlink() {
                symlink(fs::read_link(entry.path())?, shown)?;
                continue;
            }
            if kind.is_dir() {
                fs::create_dir(&shown)?;
            } else {
                fs::write(&shown, "")?;
            }
            mount::bind(&entry.path(), &shown, Below::Included)?;
        }
        fs::set_permissions(&assembled, fs::Permissions::from_mode(mode))?;
        mount::bind(&assembled, target, Below::Included)
    }
}

/// Mounts what the kernel shows of the node's own namespaces.
fn mount_kernel_files(root: &Path) -> Result<(), KeeperFailure> {
    let safe = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let no_programs = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    mount::mount_new("proc", &root.join("proc"), safe, "").during("mounting /proc")?;
    mount::mount_new("sysfs", &root.join("sys"), safe | MsFlags::MS_RDONLY, "")
        .during("mounting /sys")?;
    let terminals = "newinstance,ptmxmode=0666,mode=0620";
    mount::mount_new("devpts", &root.join("dev/pts"), no_programs, terminals)
        .during("mounting /dev/pts")
}

/// Makes settings of the whole machine read-only and hides its memory, keys and timers, as container engines do. Settings of
/// the network are the node's own.
fn protect_machine(root: &Path) -> io::Result<()> {
    let proc = root.join("proc");
    let settings = proc.join("sys");
    let network = settings.join("net");
    mount::bind(&network, &network, Below::LeftOut)?;
    mount::bind(&settings, &settings, Below::Included)?;
    mount::make_read_only(&settings, Below::LeftOut)?;
    let there = |path: &PathBuf| path.exists();
    let shown = READ_ONLY.map(|name| proc.join(name));
    for shown in shown.into_iter().filter(there) {
        mount::bind(&shown, &shown, Below::LeftOut)?;
        mount::make_read_only(&shown, Below::LeftOut)?;
    }
    let (nothing, empty) = (root.join("dev/null"), Path::new("/stage/empty"));
    fs::create_dir(empty)?;
    let hidden = HIDDEN.map(|name| root.join(name));
    for hidden in hidden.into_iter().filter(there) {
        if hidden.is_dir() {
            mount::bind(empty, &hidden, Below::LeftOut)?;
            mount::make_read_only(&hidden, Below::LeftOut)?;
        } else {
            mount::bind(&nothing, &hidden, Below::LeftOut)?;
        }
    }
    Ok(())
}

/// Makes what `/proc` lets a process of the same user change of the agent, such as `oom_score_adj`, read-only.
fn protect_agent(root: &Path) -> io::Result<()> {
    let agent = root.join("proc/1");
    mount::bind(&agent, &agent, Below::LeftOut)?;
    mount::make_read_only(&agent, Below::LeftOut)
}

/// The least memory of a file with something in it, in bytes.
const PAGE: u64 = 4096;

/// Files that any node may have, however small its disk.
const FILES: u64 = 4096;

/// Parts of `/proc` that a program might change the machine with.
const READ_ONLY: [&str; 4] = ["bus", "fs", "irq", "sysrq-trigger"];

/// Files of the kernel that tell of the whole machine, or act on it.
const HIDDEN: [&str; 10] = [
    "proc/acpi",
    "proc/kcore",
    "proc/keys",
    "proc/latency_stats",
    "proc/sched_debug",
    "proc/scsi",
    "proc/timer_list",
    "proc/timer_stats",
    "sys/devices/virtual/powercap",
    "sys/firmware",
];
