//! That nothing of a lab is left, however it ends.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};
use std::sync::Arc;

use orchestrator::backend::netns::NetnsBackend;
use orchestrator::backend::{Backend, Resource};
use plumbing::control_group::{ControlGroups, Limit};
use plumbing::process::ProcessIdentity;

use crate::support::{NODE, Raised, Remembered, assert_gone, plan, run};
use crate::user::as_ordinary_user;

/// All network namespaces that a process is in, and this machine's mounts.
fn machine() -> (BTreeSet<String>, String) {
    let mut namespaces = BTreeSet::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        if let Ok(link) = fs::read_link(entry.path().join("ns/net")) {
            namespaces.insert(link.to_string_lossy().into_owned());
        }
    }
    // A container engine's mounts come and go with labs of others.
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let ours = |line: &&str| !line.contains("/docker/");
    let mounts = mounts.lines().filter(ours).collect::<Vec<_>>().join("\n");
    (namespaces, mounts)
}

async fn a_failure_at_any_step_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan("fails", 3);
    let mut step = 0;
    loop {
        let backend = NetnsBackend::new(folder.path().to_owned(), NODE.into()).failing_at(step);
        let ledger = Arc::<Remembered>::default();
        let raised = backend.raise(&plan, ledger.clone()).await;
        let resources = ledger.0.lock().unwrap().clone();
        if let Err(error) = &raised {
            let text = error.to_string();
            assert!(text.contains(&format!("step {step}")), "{text}");
        }
        let done = raised.is_ok();
        drop(raised);
        for resource in resources.iter().rev() {
            backend.remove(resource).await.unwrap();
        }
        assert_gone(&backend, &plan.lab).await;
        if done {
            break;
        }
        step += 1;
    }
    // A lab and its control groups, three sockets, processes and ports, four steps in each of three nodes, a network, the keeper's socket.
    assert_eq!(step, 25);
    let left: Vec<_> = walk(folder.path());
    assert!(left.iter().all(|path| path.is_dir()), "{left:?}");
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            let below = if path.is_dir() {
                walk(&path)
            } else {
                Vec::new()
            };
            std::iter::once(path).chain(below)
        })
        .collect()
}

#[test]
fn a_failure_of_root_at_any_step_leaves_nothing() {
    run(a_failure_at_any_step_leaves_nothing());
}

#[test]
fn a_failure_of_a_user_at_any_step_leaves_nothing() {
    as_ordinary_user("leftovers::for_a_user_a_failure_at_any_step_leaves_nothing");
}

#[test]
#[ignore = "run as an ordinary user by the test above"]
fn for_a_user_a_failure_at_any_step_leaves_nothing() {
    run(a_failure_at_any_step_leaves_nothing());
}

/// As after a look at a lab whose keeper was still making its groups.
#[test]
fn a_keeper_takes_groups_along_that_nobody_saw() {
    run(async {
        let mut plan = plan("late", 1);
        plan.nodes[0].limits.pids = Some(20);
        let lab = Raised::new(plan).await;
        let groups = ControlGroups::find().unwrap();
        let id = lab.plan.lab.clone();
        groups
            .make(&id.to_string(), "n2", &[Limit::Pids(20)])
            .unwrap();
        let recorded = lab.ledger.0.lock().unwrap().clone();
        let is_keeper = |resource: &&Resource| matches!(resource, Resource::Keeper { .. });
        let keeper = recorded.iter().find(is_keeper).unwrap();
        lab.backend.remove(keeper).await.unwrap();
        assert_gone(&lab.backend, &id).await;
    });
}

#[test]
fn the_machine_is_as_it_was() {
    run(async {
        let mounts = machine().1;
        let lab = Raised::new(plan("as-was", 3)).await;
        let mut namespaces = BTreeSet::new();
        for node in 0..3 {
            namespaces.insert(lab.shell(node, "readlink /proc/self/ns/net").await);
        }
        assert_eq!(namespaces.len(), 3);
        let (during, _) = machine();
        assert!(namespaces.is_subset(&during));
        lab.remove().await;
        let (after, mounts_after) = machine();
        assert!(namespaces.is_disjoint(&after));
        assert_eq!(mounts, mounts_after);
    });
}

#[test]
fn a_lab_ends_with_the_process_that_raised_it() {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "leftovers::raises_and_waits_to_be_killed",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let up = lines.find(|line| line.as_ref().unwrap().contains("is up"));
    assert!(up.is_some());
    let id = child.id();
    child.kill().unwrap();
    child.wait().unwrap();
    run(async move {
        let mut plan = plan("killed", 3);
        plan.lab.instance = id;
        // Nobody tells the keeper to end; it sees for itself.
        let mark = plan.lab.to_string();
        let marked = plumbing::process::find_marked(protocol::keeper::MARK).unwrap();
        for one in marked.into_iter().filter(|one| one.value == mark) {
            assert!(
                one.process
                    .wait(std::time::Duration::from_secs(30))
                    .unwrap()
            );
        }
        let folder = tempfile::tempdir().unwrap();
        let backend = NetnsBackend::new(folder.path().to_owned(), NODE.into());
        assert_gone(&backend, &plan.lab).await;
    });
}

#[test]
#[ignore = "run and killed by the test above"]
fn raises_and_waits_to_be_killed() {
    run(async {
        let lab = Raised::new(plan("killed", 3)).await;
        println!("{} is up", lab.plan.lab);
        std::future::pending::<()>().await;
    });
}

#[test]
fn what_is_not_ours_survives() {
    run(async {
        // Another lab's process, a process with a similar variable, and our own.
        let mut decoys: Vec<_> = [("ORCHESTRATOR_LABS", "decoy-00000001"), ("OTHER", "decoy")]
            .into_iter()
            .map(|(name, value)| {
                let mut decoy = Command::new("/bin/cat");
                decoy
                    .env(name, value)
                    .stdin(Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .collect();
        let lab = Raised::new(plan("decoy", 2)).await;
        let other = Raised::new(plan("other", 2)).await;
        let mut id = lab.plan.lab.clone();
        lab.remove().await;
        id.instance = 1;
        // One that has the number of a process that was ours.
        let decoy = ProcessIdentity::of(decoys[0].id()).unwrap();
        let process = ProcessIdentity {
            started: decoy.started - 1,
            ..decoy
        };
        let keeper = Resource::Keeper { lab: id, process };
        other.backend.remove(&keeper).await.unwrap();
        assert_eq!(other.shell(0, "hostname").await, "n1");
        for decoy in &mut decoys {
            assert!(decoy.try_wait().unwrap().is_none());
            decoy.kill().unwrap();
            decoy.wait().unwrap();
        }
        other.remove().await;
    });
}
