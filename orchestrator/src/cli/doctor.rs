//! `doctor`: checks whether this machine can run labs on each backend, and names remedies.

use std::fs;

use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::geteuid;
use plumbing::capability::may_administer;
use plumbing::confinement::kernel_has_filters;
use plumbing::control_group::ControlGroups;
use plumbing::orphan;
use serde::Serialize;

use crate::backend::BackendKind;
use crate::plan::position::Positions;
use crate::plan::{LabId, LinkConditions, Plan};

use super::args::{BackendChoice, DoctorArgs, Format};
use super::doctor_gns3;
use super::failure::{Failure, Status};
use super::printer::Printer;
use super::site::Site;

/// Checks the machine. Exits with 0 if labs can be raised on some backend, else with 3.
///
/// # Errors
/// None in practice.
pub async fn doctor(args: &DoctorArgs, printer: Printer, site: &Site) -> Result<Status, Failure> {
    let checks = match args.backend {
        None | Some(BackendChoice::Auto) => machine(site).await?,
        Some(BackendChoice::Gns3) => doctor_gns3::checks(&site.gns3()).await,
        Some(BackendChoice::Docker) => vec![backend(BackendKind::Docker, site).await?],
        Some(BackendChoice::Netns | BackendChoice::Fake) => {
            let mut checks = local();
            checks.push(backend(BackendKind::Netns, site).await?);
            checks
        }
    };
    let able = checks.iter().any(Check::is_able);
    match printer.format {
        Format::Json => printer.json(&checks)?,
        Format::Table => {
            let width = checks.iter().map(|check| check.name.len()).max();
            for check in &checks {
                printer.result(check.line(width.unwrap_or_default()));
            }
        }
    }
    Ok(if able {
        Status::Passed
    } else {
        Status::Lacking
    })
}

/// Checks everything that labs on this machine may need.
async fn machine(site: &Site) -> Result<Vec<Check>, Failure> {
    let mut checks = local();
    for kind in [BackendKind::Netns, BackendKind::Docker] {
        checks.push(backend(kind, site).await?);
    }
    Ok(checks)
}

/// Checks everything that labs in namespaces of this machine need.
fn local() -> Vec<Check> {
    vec![
        kernel(),
        privilege(),
        overlay(),
        sandbox(),
        control_groups(),
        descriptors(),
        orphans(),
        tun(),
    ]
}

/// One check.
#[derive(Debug, Serialize)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) state: State,
    pub(super) found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remedy: Option<String>,
}

/// The result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Good,
    Limited,
    Missing,
}

impl Check {
    /// Whether the check says that labs can be raised.
    fn is_able(&self) -> bool {
        self.name.starts_with(BACKEND) && self.state == State::Good
    }

    pub(super) fn good(name: &'static str, found: impl Into<String>) -> Self {
        Self {
            name,
            state: State::Good,
            found: found.into(),
            remedy: None,
        }
    }

    pub(super) fn limited(name: &'static str, found: impl Into<String>, remedy: &str) -> Self {
        let remedy = Some(remedy.to_owned());
        Self {
            name,
            state: State::Limited,
            found: found.into(),
            remedy,
        }
    }

    fn line(&self, width: usize) -> String {
        let mark = match self.state {
            State::Good => "ok     ",
            State::Limited => "limited",
            State::Missing => "missing",
        };
        let remedy = self
            .remedy
            .as_ref()
            .map(|remedy| format!("\n{:width$}   {remedy}", "       "));
        format!(
            "{mark}  {:width$}  {}{}",
            self.name,
            self.found,
            remedy.unwrap_or_default()
        )
    }
}

/// Checks whether a lab of one node could be raised.
async fn backend(kind: BackendKind, site: &Site) -> Result<Check, Failure> {
    let name = match kind {
        BackendKind::Docker => "backend docker",
        _ => "backend netns",
    };
    let lab = LabId {
        name: "doctor"
            .parse()
            .map_err(|error| Failure::Error(format!("{error}")))?,
        instance: 0,
    };
    let plan = Plan {
        hidden: std::collections::BTreeSet::new(),
        hosts: Vec::new(),
        lab,
        segments: Vec::new(),
        links: LinkConditions::default(),
        nodes: Vec::new(),
        positions: Positions::default(),
    };
    Ok(match site.backend(kind).preflight(&plan).await {
        Ok(()) => Check::good(name, "labs can be raised"),
        Err(error) => Check {
            name,
            state: State::Missing,
            found: error.kind.to_string(),
            remedy: None,
        },
    })
}

/// The beginning of a keeper's name.
const KEEPER: &str = "keeper ";

/// The prefix of the names of the checks that say whether labs can be raised.
const BACKEND: &str = "backend ";

fn kernel() -> Check {
    let release = nix::sys::utsname::uname()
        .map(|name| name.release().to_string_lossy().into_owned())
        .unwrap_or_default();
    let mut numbers = release
        .split(['.', '-'])
        .map(|part| part.parse().unwrap_or(0_u32));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version >= (5, 12) {
        return Check::good("kernel", format!("Linux {release}"));
    }
    Check {
        name: "kernel",
        state: State::Missing,
        found: format!("Linux {release}"),
        remedy: Some("netns labs need Linux 5.12 or later (mount_setattr)".to_owned()),
    }
}

fn privilege() -> Check {
    let is_root = geteuid().is_root();
    // The check of the backend says so if this cannot be told.
    if is_root && may_administer().unwrap_or(true) {
        return Check::good("privilege", "root");
    }
    let read = |path: &str| {
        fs::read_to_string(path)
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    if read("/proc/sys/user/max_user_namespaces") == "0" {
        let remedy = "sudo sysctl user.max_user_namespaces=10000, or run as root";
        return Check::limited("privilege", "user namespaces are switched off", remedy);
    }
    if read("/proc/sys/kernel/unprivileged_userns_clone") == "0" {
        let remedy = "sudo sysctl kernel.unprivileged_userns_clone=1, or run as root";
        return Check::limited("privilege", "user namespaces are for root only", remedy);
    }
    if read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1" {
        let remedy = "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0, or run as root";
        return Check::limited("privilege", "AppArmor restricts user namespaces", remedy);
    }
    let who = if is_root {
        "root, but not of the machine"
    } else {
        "no root"
    };
    Check::good("privilege", format!("{who}, user namespaces allowed"))
}

fn sandbox() -> Check {
    if !kernel_has_filters() {
        let remedy = "run untrusted programs on a kernel with CONFIG_SECCOMP_FILTER";
        return Check::limited("sandbox", "this kernel filters no system calls", remedy);
    }
    let users = if geteuid().is_root() {
        "as users of their own"
    } else {
        "as this user in a namespace"
    };
    let found =
        format!("programs are confined; on namespaces they run {users} and see the system's files");
    Check::good("sandbox", found)
}

fn overlay() -> Check {
    let filesystems = fs::read_to_string("/proc/filesystems").unwrap_or_default();
    if filesystems.lines().any(|line| line.ends_with("\toverlay")) {
        return Check::good("overlay", "every node's writes are its own");
    }
    let remedy = "sudo modprobe overlay; without it nodes see the host read-only";
    Check::limited("overlay", "the overlay file system is not loaded", remedy)
}

fn control_groups() -> Check {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let has = |kind: &str| {
        mounts
            .lines()
            .any(|line| line.split(' ').nth(2) == Some(kind))
    };
    let found = match (has("cgroup"), has("cgroup2")) {
        (true, _) => "version 1",
        (false, true) => "version 2",
        (false, false) => {
            let remedy = "mount control groups at /sys/fs/cgroup to enforce memory, cpus and pids";
            return Check::limited("control groups", "not mounted", remedy);
        }
    };
    let hindrance = ControlGroups::find().and_then(|groups| groups.hindrance());
    match hindrance {
        Ok(None) => Check::good("control groups", found),
        Ok(Some(hindrance)) => {
            let found = format!("{found}, but {hindrance}");
            let remedy = format!("limits of nodes need them: {}", hindrance.remedy());
            Check::limited("control groups", found, &remedy)
        }
        Err(error) => Check::limited("control groups", error.to_string(), "mount /proc"),
    }
}

fn descriptors() -> Check {
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((_, hard)) if hard >= 4096 => Check::good("descriptors", format!("up to {hard}")),
        Ok((_, hard)) => {
            let remedy = "raise the hard limit (ulimit -Hn) for labs of more than 100 nodes";
            Check::limited("descriptors", format!("up to {hard}"), remedy)
        }
        Err(error) => Check::limited("descriptors", error.to_string(), "see getrlimit(2)"),
    }
}

fn orphans() -> Check {
    match orphan::are_reaped(KEEPER) {
        Ok(true) => Check::good("orphans", "they are reaped"),
        Ok(false) => {
            let found = "nothing reaps them: a lab that was kept leaves a zombie when it goes";
            let remedy = "let process 1 be one that reaps, as `docker run --init` does; no zombie does harm but to count";
            Check::limited("orphans", found, remedy)
        }
        Err(error) => Check::limited("orphans", error.to_string(), "see fork(2)"),
    }
}

fn tun() -> Check {
    match fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/net/tun")
    {
        Ok(_) => Check::good("taps", "/dev/net/tun can be opened"),
        Err(error) => {
            let remedy = "only programs that make tap devices in nodes need it";
            Check::limited("taps", format!("/dev/net/tun: {error}"), remedy)
        }
    }
}
