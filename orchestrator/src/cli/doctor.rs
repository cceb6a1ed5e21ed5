//! `doctor`: what this machine can do on each backend, and how to mend what it can't.

use std::fs;

use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::geteuid;
use serde::Serialize;

use crate::backend::BackendKind;
use crate::lab::StateDir;
use crate::plan::{LabId, Plan};

use super::args::Format;
use super::console::Console;
use super::failure::{Failure, Status};
use super::select;

/// Looks the machine over. Exits 0 if labs can be raised on some backend, else 3.
///
/// # Errors
/// None in practice.
pub async fn doctor(console: Console, state: &StateDir) -> Result<Status, Failure> {
    let mut checks = vec![
        kernel(),
        privilege(),
        overlay(),
        control_groups(),
        descriptors(),
        tun(),
    ];
    let mut able = false;
    for kind in [BackendKind::Netns, BackendKind::Docker] {
        let check = backend(kind, state).await?;
        able |= check.state == State::Good;
        checks.push(check);
    }
    match console.format {
        Format::Json => console.json(&checks)?,
        Format::Table => {
            let width = checks
                .iter()
                .map(|check| check.name.len())
                .max()
                .unwrap_or(0);
            for check in &checks {
                console.result(check.line(width));
            }
        }
    }
    Ok(if able {
        Status::Passed
    } else {
        Status::Lacking
    })
}

/// One thing looked at.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    state: State,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Good,
    Limited,
    Missing,
}

impl Check {
    fn good(name: &'static str, found: impl Into<String>) -> Self {
        Self {
            name,
            state: State::Good,
            found: found.into(),
            remedy: None,
        }
    }

    fn limited(name: &'static str, found: impl Into<String>, remedy: &str) -> Self {
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

/// Whether a lab of one node could be raised.
async fn backend(kind: BackendKind, state: &StateDir) -> Result<Check, Failure> {
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
        lab,
        segments: Vec::new(),
        nodes: Vec::new(),
    };
    Ok(match select::backend(kind, state).preflight(&plan).await {
        Ok(()) => Check::good(name, "labs can be raised"),
        Err(error) => Check {
            name,
            state: State::Missing,
            found: error.kind.to_string(),
            remedy: None,
        },
    })
}

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
    if geteuid().is_root() {
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
    Check::good("privilege", "no root, user namespaces allowed")
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
    if geteuid().is_root() {
        return Check::good("control groups", found);
    }
    let remedy = "limits of nodes need root, or a delegated group: systemd-run --user --scope -p Delegate=yes …";
    Check::limited("control groups", format!("{found}, without root"), remedy)
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
