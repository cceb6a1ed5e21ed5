//! Proofs that a thing is ours, and things that prove nothing: environments, folders that look like a lab's, labs of
//! other places.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use e2e::capability::NOBODY;
use e2e::patience::until;
use e2e::sandbox::Who;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::stat::Mode;
use nix::unistd::{Uid, mkfifo, seteuid};

use crate::stage::{Play, Stage, processes};

pub(crate) const TRIALS: &[Play] = &[
    (
        "what_a_node_says_removes_nothing",
        what_a_node_says_removes_nothing,
    ),
    (
        "a_folder_that_only_looks_like_a_labs_stays",
        a_folder_that_only_looks_like_a_labs_stays,
    ),
    (
        "one_broken_record_stops_nothing",
        one_broken_record_stops_nothing,
    ),
];

/// Trials that root alone can set up, also for an ordinary user.
pub(crate) const SET_UP_BY_ROOT: &[Play] = &[
    (
        "a_lab_of_another_process_namespace_stays",
        a_lab_of_another_process_namespace_stays,
    ),
    (
        "a_lab_of_another_mount_namespace_stays",
        a_lab_of_another_mount_namespace_stays,
    ),
    ("a_full_state_folder_lets_go", a_full_state_folder_lets_go),
    (
        "a_state_folder_of_others_is_refused",
        a_state_folder_of_others_is_refused,
    ),
    (
        "an_agent_answers_its_own_user",
        an_agent_answers_its_own_user,
    ),
];

pub(crate) const ONE: &str = "name = \"one\"\n[node.a]\n";

/// A program of the user's with a mark, in a node of the lab that is up.
fn marked_in_the_node(stage: &Stage, lab: &str, state: &str) -> Child {
    let lab = format!("ORCHESTRATOR_LAB={lab}");
    let state = format!("ORCHESTRATOR_LAB_STATE={state}");
    let words = ["exec", "a", "--", "env", &lab, &state, "sleep", "4321"];
    let mut command = stage.sandbox.command(words);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let before = processes(&["sleep", "4321"]);
    let child = command.spawn().unwrap();
    until("the marked program", || {
        processes(&["sleep", "4321"]) > before
    });
    child
}

fn what_a_node_says_removes_nothing(who: Who) {
    let stage = Stage::with_lab(who, ONE);
    let thesis = stage
        .sandbox
        .write("home/thesis-20261121/chapter.tex", "precious");
    let fifo = stage
        .sandbox
        .write("home/fifo-20261121/chapter.tex", "precious");
    let fifo = fifo.with_file_name("record.json");
    mkfifo(&fifo, Mode::S_IRWXU).unwrap();
    stage.sandbox.write("empty/lab.toml", "");
    stage.run("deploy").succeeds();
    let lab = stage.only_lab();
    let home = stage.sandbox.path("work/home").display().to_string();
    let empty = stage.sandbox.path("work/empty").display().to_string();
    let children = [
        marked_in_the_node(&stage, "thesis-20261121", &home),
        marked_in_the_node(&stage, "fifo-20261121", &home),
        // Its own lab, which is recorded elsewhere if it is believed.
        marked_in_the_node(&stage, &lab, &empty),
    ];
    for line in ["clean --dry-run", "clean", "--format json clean"] {
        let printed = stage.print(line);
        assert!(
            !printed.contains("remov") || printed.contains("\"removed\": []"),
            "{printed}"
        );
        assert!(!printed.contains("keeper of"), "{printed}");
    }
    // Naming it gets no further.
    stage.complaint("clean thesis-20261121", 2);
    assert_eq!(fs::read_to_string(&thesis).unwrap(), "precious");
    stage.run("exec a -- true").succeeds();
    assert_eq!(processes(&["sleep", "4321"]), children.len());
    stage.run("down one").succeeds();
    for mut child in children {
        child.wait().unwrap();
    }
    assert_eq!(fs::read_to_string(&thesis).unwrap(), "precious");
    assert!(fifo.exists());
    stage.is_as_before();
}

fn a_folder_that_only_looks_like_a_labs_stays(who: Who) {
    let stage = Stage::with_lab(who, ONE);
    for (folder, file, text) in [
        ("thesis-20261121", "chapter.tex", "precious"),
        ("empty-20261121", ".keep", ""),
        ("ledger-20261121", "ledger.ndjson", "{}\n{\"keeper\":1}\n"),
        (".part-notes-20261121", "chapter.tex", "precious"),
    ] {
        stage.sandbox.write(&format!("home/{folder}/{file}"), text);
    }
    let home = stage.sandbox.path("work/home");
    let all = || {
        let entries = fs::read_dir(&home).unwrap().flatten();
        let mut paths: Vec<PathBuf> = entries
            .flat_map(|entry| fs::read_dir(entry.path()).unwrap().flatten())
            .map(|entry| entry.path())
            .collect();
        paths.sort();
        paths
    };
    let before = all();
    assert_eq!(stage.print("clean --state-dir home --dry-run"), "");
    assert_eq!(stage.print("clean --state-dir home"), "");
    assert_eq!(all(), before);
    stage.is_as_before();
}

/// A lab that was raised where processes have other numbers, as in a container that shares the state folder.
fn a_lab_of_another_process_namespace_stays(who: Who) {
    let stage = Stage::with_lab(who, ONE);
    let mut inside = apart(
        &stage,
        &["--pid", "--mount-proc"],
        "deploy && sleep 4322; true",
    );
    until("the lab to be up", || !processes(&["sleep", "4322"]).eq(&0));
    let lab = stage.only_lab();
    for line in ["clean", "clean one"] {
        let said = stage.complaint(line, 0);
        assert!(
            said.contains("another process, user or time namespace of this machine"),
            "{said}"
        );
    }
    let said = stage.complaint("down one", 4);
    assert!(said.contains("take it down there"), "{said}");
    assert_eq!(stage.recorded(), 1);
    stage.run("exec a -- true").succeeds();
    inside.kill().unwrap();
    inside.wait().unwrap();
    until("the lab's end", || processes(&["sleep", "4322"]) == 0);
    // That place is gone, which nobody here can know but who names it.
    stage.run(&format!("clean {lab}")).succeeds();
    stage.becomes_as_before();
}

/// A lab whose state folder nobody else can see.
fn a_lab_of_another_mount_namespace_stays(who: Who) {
    let stage = Stage::with_lab(who, ONE);
    let state = stage.sandbox.path("state").display().to_string();
    let own = format!("mount -t tmpfs -o mode=700{} none {state}", owned_by(who));
    let script = format!("{own} && %deploy && sleep 4323; %down one");
    let mut inside = apart(&stage, &["--mount"], &script);
    until("the lab to be up", || processes(&["sleep", "4323"]) > 0);
    let said = stage.complaint("clean", 0);
    assert!(said.contains("one-"), "{said}");
    assert!(said.contains("and stays, which proves nothing"), "{said}");
    // It is taken down where it was raised, which shows that it still is.
    crate::stage::end(&["sleep", "4323"]);
    assert!(inside.wait().unwrap().success());
    stage.is_as_before();
}

/// Runs a script in namespaces of its own; the command under test is `$0`, and `%` stands for it too.
pub(crate) fn apart(stage: &Stage, namespaces: &[&str], script: &str) -> Child {
    let inner = stage.sandbox.command([""; 0]);
    let mut words = vec![inner.get_program()];
    words.extend(inner.get_args());
    // A process that makes a user namespace is somebody in it.
    let program = words.split_off(if namespaces.contains(&"--user") {
        words.len() - 1
    } else {
        0
    });
    words.push("unshare".as_ref());
    let mut outer = Command::new(words[0]);
    outer.args(&words[1..]);
    let script = if script.contains('%') {
        script.replace('%', "\"$0\" \"$@\" ")
    } else {
        format!("\"$0\" \"$@\" {script}")
    };
    outer
        .args(namespaces)
        .args(["--fork", "--kill-child", "sh", "-c", &script]);
    outer.args(program);
    outer.current_dir(stage.sandbox.path("work")).env_clear();
    let set = inner.get_envs();
    outer.envs(set.filter_map(|(name, value)| Some((name, value?))));
    outer
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Of a file system that is mounted for somebody: the option that gives it to them.
pub(crate) fn owned_by(who: Who) -> String {
    match who {
        Who::Caller => String::new(),
        Who::Ordinary => format!(",uid={NOBODY},gid={NOBODY}"),
    }
}

/// Does something as another user, as which all of this process acts meanwhile.
fn as_user<T>(user: u32, act: impl FnOnce() -> T) -> T {
    seteuid(Uid::from_raw(user)).unwrap();
    let done = act();
    seteuid(Uid::from_raw(0)).unwrap();
    done
}

fn one_broken_record_stops_nothing(who: Who) {
    let stage = Stage::with_lab(who, ONE);
    for name in ["first", "second", "third"] {
        let file = format!("{name}.toml");
        stage.sandbox.write(&file, ONE.replace("one", name));
        stage.run(&format!("deploy {file}")).succeeds();
    }
    let record = |name: &str| stage.lab_folder(name).join("record.json");
    fs::write(record("first"), "{\"hold\": 1").unwrap();
    fs::remove_file(record("second")).unwrap();
    mkfifo(&record("second"), Mode::S_IRWXU).unwrap();
    let said = stage.complaint("ps", 0);
    for name in ["first", "second"] {
        assert!(said.contains(record(name).to_str().unwrap()), "{said}");
        assert!(
            said.contains(&format!("`orchestrator down {name}-")),
            "{said}"
        );
    }
    assert!(stage.print("ps").contains("third"));
    let said = stage.complaint("clean", 5);
    assert!(said.contains("it is not known whether first-"), "{said}");
    assert_eq!(stage.recorded(), 3);
    let said = stage.complaint("run --lab first", 2);
    assert!(said.contains("`orchestrator down first`"), "{said}");
    stage.run("exec third/a -- true").succeeds();
    stage.run("down first").succeeds();
    stage.run("down --all").succeeds();
    stage.is_as_before();
}

fn a_full_state_folder_lets_go(who: Who) {
    let stage = Stage::with_lab(who, ONE);
    let state = stage.sandbox.path("state");
    let data = format!("size=1m,nr_inodes=64,mode=700{}", owned_by(who));
    let data = Some(data.as_str());
    mount(Some("none"), &state, Some("tmpfs"), MsFlags::empty(), data).unwrap();
    stage.run("deploy").succeeds();
    stage
        .sandbox
        .write("killed.toml", ONE.replace("one", "killed"));
    fs::write(state.join("full"), vec![0; 2 << 20]).unwrap_err();
    let said = stage.complaint("deploy killed.toml", 4);
    assert!(said.contains("free space there"), "{said}");
    stage.run("down one").succeeds();
    stage.run("clean").succeeds();
    fs::remove_file(state.join("full")).unwrap();
    // Room is no help where no file can be made.
    let inodes = (0..).map(|number| state.join(number.to_string()));
    let made: Vec<PathBuf> = inodes
        .take_while(|path| fs::write(path, "").is_ok())
        .collect();
    let said = stage.complaint("deploy killed.toml", 4);
    assert!(said.contains("`df -i`"), "{said}");
    for path in &made {
        fs::remove_file(path).unwrap();
    }
    assert_eq!(fs::read_dir(&state).unwrap().count(), 0);
    umount2(&state, MntFlags::empty()).unwrap();
    stage.is_as_before();
}

fn a_state_folder_of_others_is_refused(who: Who) {
    let stage = Stage::with_lab(who, ONE);
    let folder = stage.sandbox.path("tmp/planted");
    fs::create_dir(&folder).unwrap();
    let owner = if who == Who::Caller { NOBODY } else { 0 };
    let verbs = ["ps", "clean", "deploy", "down --all"];
    let refused = |why: &str| {
        for verb in verbs {
            let said = stage.complaint(&format!("{verb} --state-dir {}", folder.display()), 4);
            assert!(said.contains(why), "{said}");
        }
    };
    chown(&folder, Some(owner), Some(owner)).unwrap();
    refused("belongs to user");
    let own = NOBODY - owner;
    chown(&folder, Some(own), Some(own)).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    refused("chmod go-w");
    fs::remove_dir(&folder).unwrap();
    std::os::unix::fs::symlink(stage.sandbox.path("state"), &folder).unwrap();
    refused("opening");
    stage.is_as_before();
}

/// Even where the socket's mode, and those of the folders above, let others in.
fn an_agent_answers_its_own_user(who: Who) {
    let stage = Stage::with_lab(who, ONE);
    stage.run("deploy").succeeds();
    let folder = stage.lab_folder("one");
    let socket = folder.join("nodes/0");
    for path in [&folder, &folder.join("nodes"), &socket] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
    }
    let other = if who == Who::Caller { NOBODY } else { 0 };
    let answer = as_user(other, || {
        let mut stream = UnixStream::connect(&socket).unwrap();
        stream.read(&mut [0]).unwrap()
    });
    assert_eq!(answer, 0, "it is closed, and nothing was said");
    stage.run("exec a -- true").succeeds();
    stage.run("down one").succeeds();
    stage.is_as_before();
}
