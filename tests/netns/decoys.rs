//! What looks like a lab's and carries no mark of ours: `clean` must not touch it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use e2e::host::Census;
use e2e::sandbox::Who;

use crate::stage::{Play, Stage};

pub(crate) const TRIALS: &[Play] = &[
    ("survive_clean", survive_clean),
    ("a_lab_at_work_stays", a_lab_at_work_stays),
    ("a_folder_of_others_stays", a_folder_of_others_stays),
];

/// Things of somebody else's; they go when it is dropped.
#[derive(Default)]
struct Decoys {
    processes: Vec<Child>,
    groups: Vec<PathBuf>,
    undo: Vec<&'static str>,
}

impl Decoys {
    /// Made by root, as a system's administrator would.
    fn make() -> Self {
        let mut decoys = Self::default();
        // Programs with our names, and with variables that are almost the mark.
        for (variable, value) in [
            ("ORCHESTRATOR_LAB", "two-servers"),
            ("ORCHESTRATOR_LAB", "two-servers-7f3a91c2-"),
            ("ORCHESTRATOR_LABS", "two-servers-7f3a91c2"),
            ("NOT_ORCHESTRATOR_LAB", "two-servers-7f3a91c2"),
        ] {
            let mut command = Command::new("sleep");
            std::os::unix::process::CommandExt::arg0(&mut command, "orchestrator");
            let process = command.arg("6789").env(variable, value).spawn().unwrap();
            decoys.processes.push(process);
        }
        if !nix::unistd::geteuid().is_root() {
            return decoys;
        }
        decoys.system(
            "ip netns add two-servers-7f3a91c2",
            "ip netns del two-servers-7f3a91c2",
        );
        // Made by the line above, and left by the one that undoes it.
        decoys.undo.push("umount /run/netns");
        decoys.system(
            "ip link add orchestrator0 type bridge",
            "ip link del orchestrator0",
        );
        decoys.system(
            "ip link add lan type veth peer name eth0",
            "ip link del lan",
        );
        fs::create_dir_all("/run/decoy").unwrap();
        decoys.system(
            "mount -t tmpfs orchestrator /run/decoy",
            "umount /run/decoy",
        );
        for root in [
            "/sys/fs/cgroup/pids",
            "/sys/fs/cgroup/memory",
            "/sys/fs/cgroup",
        ] {
            let group = Path::new(root).join("orchestrator/not-a-lab/node");
            if Path::new(root).join("cgroup.procs").exists() && fs::create_dir_all(&group).is_ok() {
                decoys.groups.push(group);
            }
        }
        decoys
    }

    fn system(&mut self, make: &str, undo: &'static str) {
        run(make);
        self.undo.push(undo);
    }
}

impl Drop for Decoys {
    fn drop(&mut self) {
        for process in &mut self.processes {
            process.kill().unwrap();
            process.wait().unwrap();
        }
        self.undo.iter().for_each(|line| run(line));
        for group in &self.groups {
            for folder in group.ancestors().take(3) {
                fs::remove_dir(folder).unwrap();
            }
        }
    }
}

fn run(line: &str) {
    let mut words = line.split(' ');
    let status = Command::new(words.next().unwrap()).args(words).status();
    assert!(status.unwrap().success(), "{line}");
}

fn survive_clean(who: Who) {
    let stage = Stage::new(who);
    let decoys = Decoys::make();
    let census = Census::take();
    assert_eq!(stage.print("clean"), "");
    census.assert_unchanged();
    // Nor does a lab that comes and goes disturb them.
    stage.sandbox.copy_project("topologies");
    stage.run("run topologies/two-servers.toml").succeeds();
    stage.run("clean").succeeds();
    census.assert_unchanged();
    drop(decoys);
    stage.is_as_before();
}

fn a_lab_at_work_stays(who: Who) {
    let stage = Stage::new(who);
    stage.sandbox.copy_project("topologies");
    stage.run("deploy topologies/two-servers.toml").succeeds();
    let said = stage.complaint("clean", 0);
    let state = stage.sandbox.path("state").display().to_string();
    let stays = format!("is up and stays; `orchestrator down two-servers --state-dir {state}`");
    assert!(said.contains(&stays), "{said}");
    let json: serde_json::Value =
        serde_json::from_str(&stage.print("--format json clean")).unwrap();
    assert!(
        json["stays"][0].as_str().unwrap().contains(&stays),
        "{json}"
    );
    assert_eq!(json["removed"], serde_json::json!([]));
    // Nor does a `clean` of another state folder, which can prove nothing.
    let other = stage.complaint("clean --state-dir other", 0);
    for words in ["two-servers-", "and stays, which proves nothing"] {
        assert!(other.contains(words), "{other}");
    }
    stage.run("exec alpine-1 -- true").succeeds();
    stage.run("down two-servers").succeeds();
    stage.is_as_before();
}

/// Somebody names their home as the state folder.
fn a_folder_of_others_stays(who: Who) {
    let stage = Stage::new(who);
    let thesis = stage.sandbox.write("thesis/chapter.tex", "precious");
    stage.run("clean --state-dir .").succeeds();
    assert_eq!(fs::read_to_string(thesis).unwrap(), "precious");
    stage.is_as_before();
}
