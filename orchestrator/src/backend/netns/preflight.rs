//! Checks whether this machine can carry a plan.

use std::fs;
use std::io;

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit};
use plumbing::capability;
use plumbing::process::check_proc;
use protocol::keeper::KeeperFailure;

use crate::backend::BackendErrorKind;
use crate::plan::Plan;

/// Checks everything that can be known before anything is made.
pub(super) fn check(plan: &Plan) -> Result<(), BackendErrorKind> {
    images(plan)?;
    ports(plan)?;
    kernel()?;
    procfs()?;
    rights()?;
    room(plan.nodes.len() as u64)
}

/// Returns the remedy for a failure whose cause is the machine.
pub(super) fn remedy(failure: &KeeperFailure) -> Option<&'static str> {
    match failure.errno.map(Errno::from_raw)? {
        Errno::EPERM | Errno::EACCES if failure.node.is_none() => Some(
            "run as root, or allow unprivileged user namespaces: `orchestrator doctor` says how",
        ),
        Errno::EMFILE | Errno::ENFILE => {
            Some("raise the limit of open files: `ulimit -n`, `sysctl fs.file-max`")
        }
        Errno::ENOSPC => Some(
            "remove other labs, raise the limits in /proc/sys/user/, or free space or inodes where \
             the state folder is (`df -i` counts them)",
        ),
        Errno::EAGAIN => Some("raise the limit of processes: `ulimit -u`, `sysctl kernel.pid_max`"),
        Errno::ENOMEM => Some("free memory, or ask for fewer nodes"),
        Errno::EROFS => Some(
            "run where /proc/sys may be written, as in no unprivileged container, or use \
             `--backend docker`",
        ),
        _ => None,
    }
}

fn images(plan: &Plan) -> Result<(), BackendErrorKind> {
    let with_image = |node: &crate::plan::PlannedNode| {
        let image = node.image.as_ref()?;
        Some(format!("{} wants image {image}", node.name))
    };
    match plan.nodes.iter().find_map(with_image) {
        None => Ok(()),
        Some(missing) => Err(lacking(
            format!("node {missing}, and namespaces have no images"),
            "use `--backend docker`",
        )),
    }
}

fn ports(plan: &Plan) -> Result<(), BackendErrorKind> {
    let full =
        |segment: &&crate::plan::Segment| !segment.wire && segment.ports.len() > BRIDGE_PORTS;
    match plan.segments.iter().find(full) {
        None => Ok(()),
        Some(segment) => Err(lacking(
            format!(
                "network {} has {} interfaces, and a bridge takes {BRIDGE_PORTS}",
                segment.name,
                segment.ports.len()
            ),
            "spread the nodes over several networks, joined by a node that forwards",
        )),
    }
}

fn kernel() -> Result<(), BackendErrorKind> {
    let name = nix::sys::utsname::uname().map_err(BackendErrorKind::system)?;
    let release = name.release().to_string_lossy();
    let mut numbers = release.split(['.', '-']).map(str::parse::<u32>);
    if let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next())
        && (major, minor) < OLDEST_KERNEL
    {
        let (major, minor) = OLDEST_KERNEL;
        return Err(lacking(
            format!("this kernel is Linux {release}"),
            format!("Linux {major}.{minor} or later is needed; or use `--backend docker`"),
        ));
    }
    Ok(())
}

fn procfs() -> Result<(), BackendErrorKind> {
    if fs::exists("/proc/self").unwrap_or(false) {
        // If its numbers mean other processes, none could be proved to be ours.
        return check_proc().map_err(|_| {
            lacking(
                "/proc shows another process namespace",
                "mount this one's: `mount -t proc proc /proc`",
            )
        });
    }
    Err(lacking(
        "/proc is not mounted",
        "mount it: `mount -t proc proc /proc`",
    ))
}

/// Checks that this user may make namespaces. Root may; any other user needs user namespaces.
fn rights() -> Result<(), BackendErrorKind> {
    if capability::may_administer().map_err(BackendErrorKind::system)? {
        return Ok(());
    }
    for (setting, forbidding, allowing) in USER_NAMESPACES {
        if number(&format!("/proc/sys/{setting}")) == Some(forbidding) {
            let name = setting.replace('/', ".");
            return Err(lacking(
                format!("user namespaces are forbidden by {name} = {forbidding}"),
                format!("run as root, or `sudo sysctl {name}={allowing}`"),
            ));
        }
    }
    Ok(())
}

/// Checks that there is room for so many nodes: descriptors, processes, namespaces and memory.
fn room(nodes: u64) -> Result<(), BackendErrorKind> {
    let descriptors = plumbing::descriptor::raise_limit().map_err(BackendErrorKind::system)?;
    let running = fs::read_dir("/proc").map_or(0, Iterator::count) as u64;
    let processes = number("/proc/sys/kernel/pid_max").map(|most| most.saturating_sub(running));
    let memory = memory_available().map_err(BackendErrorKind::system)?;
    let mut needs = vec![
        (
            "open files",
            nodes * DESCRIPTORS_A_NODE + DESCRIPTORS,
            Some(descriptors),
            "raise the hard limit, `ulimit -Hn`",
        ),
        (
            "process numbers",
            nodes * PROCESSES_A_NODE,
            processes,
            "raise it with `sysctl kernel.pid_max`",
        ),
        (
            "KiB of memory",
            nodes * MEMORY_A_NODE,
            memory,
            "ask for fewer nodes, or add memory",
        ),
    ];
    // Root may start more processes than its limit.
    if !nix::unistd::geteuid().is_root() {
        let (limit, _) = getrlimit(Resource::RLIMIT_NPROC).map_err(BackendErrorKind::system)?;
        needs.push((
            "processes and threads of this user",
            nodes * THREADS_A_NODE + THREADS,
            Some(limit),
            "raise the limit, `ulimit -u`",
        ));
    }
    for kind in ["user", "net", "mnt", "pid", "uts", "ipc"] {
        let most = number(&format!("/proc/sys/user/max_{kind}_namespaces"));
        needs.push((
            "namespaces",
            nodes + 1,
            most,
            "raise the limits in /proc/sys/user/",
        ));
    }
    for (resource, needed, available, remedy) in needs {
        if let Some(available) = available.filter(|available| needed > *available) {
            return Err(lacking(
                format!("{nodes} nodes need about {needed} {resource}, and there are {available}"),
                remedy,
            ));
        }
    }
    Ok(())
}

/// KiB.
fn memory_available() -> io::Result<Option<u64>> {
    let text = fs::read_to_string("/proc/meminfo")?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"));
    Ok(line.and_then(|line| line.split_whitespace().next()?.parse().ok()))
}

fn number(path: &str) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn lacking(missing: impl Into<String>, remedy: impl Into<String>) -> BackendErrorKind {
    BackendErrorKind::Lacking {
        missing: missing.into(),
        remedy: remedy.into(),
    }
}

/// `BR_MAX_PORTS`, `net/bridge/br_private.h`, less the one that is never given out.
const BRIDGE_PORTS: usize = 1023;

/// The kernel version that brought `mount_setattr`.
const OLDEST_KERNEL: (u32, u32) = (5, 12);

/// The settings by which distributions forbid user namespaces, each with the value that forbids them and one that
/// allows them.
const USER_NAMESPACES: [(&str, u64, u64); 3] = [
    ("user/max_user_namespaces", 0, 10_000),
    ("kernel/unprivileged_userns_clone", 0, 1),
    ("kernel/apparmor_restrict_unprivileged_userns", 1, 0),
];

/// The descriptors of control connections, captures and files that are being moved.
const DESCRIPTORS_A_NODE: u64 = 4;
const DESCRIPTORS: u64 = 64;
/// The processes of a node: the agent and a program.
const PROCESSES_A_NODE: u64 = 2;
/// The threads of an agent and a program, and those of the orchestrator.
const THREADS_A_NODE: u64 = 8;
const THREADS: u64 = 16;
/// The memory of a node in KiB: the agent's, and the kernel's for its namespaces and interfaces.
const MEMORY_A_NODE: u64 = 4096;
