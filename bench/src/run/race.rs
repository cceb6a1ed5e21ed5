//! `run`: the whole process `orchestrator run topologies/two-servers.toml` in namespaces.

use std::path::{Path, PathBuf};

use crate::console::{note, result};
use crate::entrant::Entrant;
use crate::error::BenchError;
use crate::machine;
use crate::ours::folder_in_memory;
use crate::peers;
use crate::race::{self, Heat, Limits};
use crate::raise::MININET;
use crate::table::{self, Caption, Target};

use super::whole::Whole;

/// Runs it. Mininet, beside it, only raises three nodes and takes them down.
///
/// # Errors
/// If ours fails.
pub async fn race(quick: bool, limits: &Limits) -> Result<(), BenchError> {
    result(&machine::congestion_control());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = folder_in_memory()?;
    let state = folder.path().join("state").display().to_string();
    let ours = orchestrator(&root)?.display().to_string();
    let file = root
        .join("topologies/two-servers.toml")
        .display()
        .to_string();
    let mut entrants: Vec<Box<dyn Entrant>> = vec![Box::new(Whole::new(
        "orchestrator run, three nodes, all files broadcast".to_owned(),
        &[
            &ours,
            "run",
            &file,
            "--backend=netns",
            "--quiet",
            "--state-dir",
            &state,
        ],
        folder.path(),
    ))];
    if let Some(version) = peers::installed(&MININET) {
        entrants.push(Box::new(Whole::new(
            format!("mn {version}, three nodes, nothing run"),
            &MININET_COMMAND,
            folder.path(),
        )));
    }
    let rounds = if quick { 5 } else { 21 };
    let series = race::run(&mut entrants, Heat { nodes: 3, rounds }, limits).await?;
    let caption = Caption {
        title: "run topologies/two-servers.toml, the whole process",
        columns: ("time", None),
        target: Some(Target::Milliseconds(500.0)),
    };
    table::print(&caption, &series);
    Ok(())
}

/// The release binary of this workspace, built if need be.
pub(super) fn orchestrator(root: &Path) -> Result<PathBuf, BenchError> {
    let building = BenchError::system("building the orchestrator");
    note("building the orchestrator, if need be");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = std::process::Command::new(cargo)
        .args(["build", "--quiet", "--release", "--bin", "orchestrator"])
        .current_dir(root)
        .status()
        .map_err(&building)?;
    if !status.success() {
        return Err(BenchError::Wrong(format!(
            "building the orchestrator: {status}"
        )));
    }
    // It lies beside this program.
    let here = std::env::current_exe().map_err(&building)?;
    Ok(here.with_file_name("orchestrator"))
}

/// In namespaces of its own, as in the race `raise`, and without leave to change settings of the whole
/// machine, which it would not set back.
const MININET_COMMAND: [&str; 11] = [
    "unshare",
    "--net",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
    "--",
    "sh",
    "-c",
    "mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && \
     exec /usr/bin/mn --topo single,3 --switch lxbr --controller none --test none",
];
