//! Labs that were raised elsewhere: recorded in another state folder, in other namespaces, on another machine, or where
//! a file system moves folders.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use e2e::patience::until;
use e2e::sandbox::{Who, stdout};
use nix::mount::{MntFlags, MsFlags, mount, umount2};

use crate::marks::{ONE, apart, owned_by};
use crate::stage::{Play, Stage, end, processes};

pub(crate) const TRIALS: &[Play] = &[("a_copy_of_a_state_folder", a_copy_of_a_state_folder)];

/// Trials of somebody who makes user namespaces.
pub(crate) const OF_USERS: &[Play] = &[("another_user_namespace", another_user_namespace)];

/// Trials that root alone can set up, also for an ordinary user.
pub(crate) const SET_UP_BY_ROOT: &[Play] = &[
    ("another_time_namespace", another_time_namespace),
    (
        "the_proc_of_another_namespace",
        the_proc_of_another_namespace,
    ),
    ("another_machine", another_machine),
    ("a_state_folder_on_an_overlay", a_state_folder_on_an_overlay),
];

/// Labs are of the folder that they were recorded in, and not of its copy.
fn a_copy_of_a_state_folder(who: Who) {
    let stage = Stage::with_lab(who, ONE);
    stage.run("deploy").succeeds();
    let lab = stage.only_lab();
    let (state, copy) = (stage.sandbox.path("state"), stage.sandbox.path("tmp/copy"));
    // Sockets are copied as files that nobody listens at.
    shell(&format!("cp -a {} {}", state.display(), copy.display()));
    let there = format!("--state-dir {}", copy.display());
    let said = stage.complaint(&format!("clean {there}"), 0);
    assert!(said.contains("of which this one is a copy"), "{said}");
    let said = stage.complaint(&format!("down one {there}"), 4);
    assert!(said.contains("take it down there"), "{said}");
    // Also one that is named by its identity, for its nodes answer.
    let said = stage.complaint(&format!("clean {lab} {there}"), 0);
    assert!(said.contains("stays, for its nodes answer"), "{said}");
    stage.run("exec a -- true").succeeds();
    assert!(copy.join(&lab).exists());
    stage.run("down one").succeeds();
    let removed = stdout(&stage.run(&format!("clean {lab} {there}")).succeeds());
    assert!(
        removed.contains(&format!("state folder {}", copy.join(&lab).display())),
        "{removed}"
    );
    assert_eq!(fs::read_dir(&copy).unwrap().count(), 0);
    stage.is_as_before();
}

/// A namespace in which users have other numbers.
fn another_user_namespace(who: Who) {
    stays(
        who,
        &["--user", "--map-current-user"],
        "%deploy && sleep 4324; %down one",
    );
}

/// A namespace in which the machine seems to have been started at another time.
fn another_time_namespace(who: Who) {
    let namespaces = ["--time", "--boottime", "100000"];
    stays(who, &namespaces, "%deploy && sleep 4324; %down one");
}

/// Processes have other numbers than `/proc` says: whatever comes of it, no process is ended that is not the lab's.
fn the_proc_of_another_namespace(who: Who) {
    let stage = Stage::with_lab(who, ONE);
    let bystander = Command::new("sleep").arg("4325").spawn().unwrap();
    let mut inside = apart(
        &stage,
        &["--pid"],
        "%deploy; %clean; %down one; %clean; true",
    );
    assert!(inside.wait().unwrap().success());
    assert_eq!(processes(&["sleep", "4325"]), 1);
    stage.run("clean").succeeds();
    for left in fs::read_dir(stage.sandbox.path("state")).unwrap() {
        let lab = left.unwrap().file_name().into_string().unwrap();
        stage.run(&format!("clean {lab}")).succeeds();
    }
    ended(bystander, "4325");
    stage.becomes_as_before();
    stage.is_as_before();
}

/// A lab that a script raises in such namespaces, in the state folder of all, stays as long as it is there.
fn stays(who: Who, namespaces: &[&str], script: &str) {
    let stage = Stage::with_lab(who, ONE);
    let mut inside = apart(&stage, namespaces, script);
    until("the lab to be up", || processes(&["sleep", "4324"]) > 0);
    for line in ["clean", "clean one"] {
        let said = stage.complaint(line, 0);
        let place = "another process, user or time namespace of this machine";
        assert!(said.contains(place), "{said}");
    }
    let said = stage.complaint("down one", 4);
    assert!(said.contains("take it down there"), "{said}");
    end(&["sleep", "4324"]);
    assert!(inside.wait().unwrap().success());
    stage.becomes_as_before();
    stage.is_as_before();
}

/// A state folder that two machines share.
fn another_machine(who: Who) {
    let stage = Stage::with_lab(who, ONE);
    let id = stage
        .sandbox
        .write("machine-id", "0123456789abcdef0123456789abcdef\n");
    let script = format!("{} && %deploy && sleep 4326; %down one", other_machine(&id));
    let mut inside = apart(&stage, &["--mount", "--uts"], &script);
    until("the lab to be up", || processes(&["sleep", "4326"]) > 0);
    let lab = stage.only_lab();
    for line in ["clean", "clean one"] {
        let said = stage.complaint(line, 0);
        assert!(said.contains("was raised on another machine"), "{said}");
        assert!(
            said.contains(&format!("`orchestrator clean {lab}`")),
            "{said}"
        );
    }
    stage.complaint("down one", 4);
    assert_eq!(stage.recorded(), 1);
    end(&["sleep", "4326"]);
    assert!(inside.wait().unwrap().success());
    stage.is_as_before();
}

/// Lines that make the rest of a script run on another machine, as far as it can tell.
fn other_machine(id: &Path) -> String {
    let id = id.display();
    format!(
        "hostname other && if [ -e /etc/machine-id ]; then mount --bind {id} /etc/machine-id; fi"
    )
}

/// The file system moves a folder of a lower layer only as a copy, which is born anew.
fn a_state_folder_on_an_overlay(who: Who) {
    let stage = Stage::with_lab(who, ONE);
    let base = stage.sandbox.path("tmp/base");
    fs::create_dir(&base).unwrap();
    mount(
        Some("none"),
        &base,
        Some("tmpfs"),
        MsFlags::empty(),
        None::<&str>,
    )
    .unwrap();
    let folder = |name: &str| base.join(name).display().to_string();
    let own = format!("install -d{}", owner_words(who));
    shell(&format!(
        "{own} -m 700 {} {}",
        folder("lower/state"),
        folder("lower/killed")
    ));
    shell(&format!(
        "mkdir {} {} {}",
        folder("upper"),
        folder("work"),
        folder("all")
    ));
    // One is left in the lower layer, for its keeper is gone.
    stage
        .run(&format!("deploy --state-dir {}", folder("lower/killed")))
        .succeeds();
    let killed = fs::read_dir(base.join("lower/killed"))
        .unwrap()
        .next()
        .unwrap();
    let killed = killed.unwrap().file_name().into_string().unwrap();
    shell(&format!(
        "cp -a {} {}",
        folder("lower/killed"),
        folder("lower/left")
    ));
    stage
        .run(&format!("down one --state-dir {}", folder("lower/killed")))
        .succeeds();
    let all = overlay(&base);
    let (state, left) = (folder("all/state"), folder("all/left"));
    stage.run(&format!("deploy --state-dir {state}")).succeeds();
    stage
        .run(&format!("exec a --state-dir {state} -- true"))
        .succeeds();
    stage
        .run(&format!("down one --state-dir {state}"))
        .succeeds();
    let removed = stdout(
        &stage
            .run(&format!("clean {killed} --state-dir {left}"))
            .succeeds(),
    );
    assert!(removed.contains("state folder"), "{removed}");
    for folder in [&state, &left] {
        assert_eq!(fs::read_dir(folder).unwrap().count(), 0, "{folder}");
    }
    umount2(&all, MntFlags::empty()).unwrap();
    umount2(&base, MntFlags::empty()).unwrap();
    stage.is_as_before();
}

/// Lays the folder `upper` over `lower`, as `all`.
fn overlay(base: &Path) -> PathBuf {
    let folder = |name: &str| base.join(name).display().to_string();
    let (lower, upper, work) = (folder("lower"), folder("upper"), folder("work"));
    let layers = format!("lowerdir={lower},upperdir={upper},workdir={work}");
    let all = base.join("all");
    let (kind, flags) = (Some("overlay"), MsFlags::empty());
    mount(Some("none"), &all, kind, flags, Some(layers.as_str())).unwrap();
    all
}

/// The words of install(1) that give a folder to somebody.
fn owner_words(who: Who) -> String {
    let owner = owned_by(who);
    let user = owner
        .split("uid=")
        .nth(1)
        .and_then(|rest| rest.split(',').next());
    user.map(|user| format!(" -o {user} -g {user}"))
        .unwrap_or_default()
}

fn shell(line: &str) {
    let status = Command::new("sh").args(["-c", line]).status().unwrap();
    assert!(status.success(), "{line}");
}

fn ended(mut child: Child, argument: &str) {
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(processes(&["sleep", argument]), 0);
}
