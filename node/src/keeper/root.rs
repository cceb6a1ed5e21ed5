//! A node's own root: what all nodes see, and above it a file system in memory that takes the node's
//! writes.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use nix::mount::MsFlags;
use plumbing::mount::{self, Below, Overlay};
use protocol::keeper::KeeperFailure;

use super::failure::DuringStep;
use super::world::{Privilege, World};

/// Builds the root of a node and moves into it. The process must be alone in its mount namespace, and
/// in the node's other namespaces, whose `/proc` and `/sys` are mounted.
pub(super) fn build(world: &World, node: usize) -> Result<(), KeeperFailure> {
    let stage = Path::new("/stage");
    mount::mount_new("tmpfs", stage, MsFlags::empty(), "mode=755")
        .during("mounting memory for the node's writes")?;
    let mut layers = Layers { world, made: 0 };
    let root = stage.join("root");
    fs::create_dir(&root).during("making the node's root")?;
    layers
        .overlay(&world.layers, &root, 0o755, &[])
        .during("mounting the node's root")?;
    let at = |path: &Path| root.join(path.strip_prefix("/").unwrap_or(path));
    for shown in &world.shown {
        mount::bind(&host(shown), &at(shown), Below::Included)
            .during(format!("showing {}", shown.display()))?;
    }
    let own = world.private_of.get(node).map_or(&[][..], Vec::as_slice);
    for private in world.private.iter().chain(own) {
        layers
            .make_private(&host(private), &at(private))
            .during(format!("making {} the node's own", private.display()))?;
    }
    if let Some(here) = &world.here {
        let doing = "showing where the user is";
        fs::create_dir_all(at(here)).during(doing)?;
        layers
            .make_private(Path::new("/here"), &at(here))
            .during(doing)?;
    }
    for device in &world.devices {
        let source = Path::new("/devices").join(device.replace('/', "-"));
        mount::bind(&source, &at(Path::new("/dev")).join(device), Below::LeftOut)
            .during(format!("showing /dev/{device}"))?;
    }
    mount_kernel_files(world.privilege, &root)?;
    mount::change_root(&root).during("changing the node's root")
}

/// Makes overlays whose upper layers are in the node's memory.
#[derive(Debug)]
struct Layers<'a> {
    world: &'a World,
    made: usize,
}

impl Layers<'_> {
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
        for name in own {
            fs::write(upper.join(name), "")?;
        }
        Overlay {
            lower,
            upper: &upper,
            work: &work,
        }
        .mount(target, self.world.privilege == Privilege::UserNamespace)
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
        if self.world.privilege == Privilege::Machine {
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

/// Mounts what the kernel shows of the node's own namespaces. Outside a user namespace, settings of
/// the whole machine are made read-only and its memory, keys and timers are hidden, as container engines do; settings of
/// the network are the node's own.
fn mount_kernel_files(privilege: Privilege, root: &Path) -> Result<(), KeeperFailure> {
    let safe = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let no_programs = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    mount::mount_new("proc", &root.join("proc"), safe, "").during("mounting /proc")?;
    mount::mount_new("sysfs", &root.join("sys"), safe | MsFlags::MS_RDONLY, "")
        .during("mounting /sys")?;
    let terminals = "newinstance,ptmxmode=0666,mode=0620";
    mount::mount_new("devpts", &root.join("dev/pts"), no_programs, terminals)
        .during("mounting /dev/pts")?;
    if privilege == Privilege::Machine {
        protect_machine(root).during("protecting the machine's settings")?;
    }
    Ok(())
}

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
    let hidden = HIDDEN.map(|name| proc.join(name));
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

/// Parts of `/proc` that a program might change the machine with.
const READ_ONLY: [&str; 4] = ["bus", "fs", "irq", "sysrq-trigger"];

/// Parts of `/proc` that tell of the whole machine, or act on it.
const HIDDEN: [&str; 8] = [
    "acpi",
    "kcore",
    "keys",
    "latency_stats",
    "sched_debug",
    "scsi",
    "timer_list",
    "timer_stats",
];

fn host(path: &Path) -> PathBuf {
    Path::new("/host").join(path.strip_prefix("/").unwrap_or(path))
}
