//! Signals at every moment of a lab's life, and what is left of it: nothing, at once after Ctrl-C, and
//! after `clean` where the process could not clean up.

use std::fs;
use std::process::Child;

use e2e::full_pipe::FullPipe;
use e2e::patience::until;
use e2e::sandbox::{Hangup, Who};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::stage::{Play, Stage, numbers, processes};

pub(crate) const TRIALS: &[Play] = &[
    ("of_a_raise", of_a_raise),
    ("of_a_run", of_a_run),
    ("of_a_down", of_a_down),
    ("of_two_downs_at_once", of_two_downs_at_once),
    ("where_nobody_reads", where_nobody_reads),
    ("nohup_is_heeded", nohup_is_heeded),
    ("a_hangup_ends_what_it_runs", a_hangup_ends_what_it_runs),
    (
        "killed_run_is_reaped_by_the_kernel",
        killed_run_is_reaped_by_the_kernel,
    ),
    ("killed_raise_is_cleaned", killed_raise_is_cleaned),
    ("killed_run_is_cleaned", killed_run_is_cleaned),
    (
        "killed_nodes_are_told_and_taken_away",
        killed_nodes_are_told_and_taken_away,
    ),
    ("stopped_nodes_are_told", stopped_nodes_are_told),
    (
        "a_killed_node_holds_up_no_other",
        a_killed_node_holds_up_no_other,
    ),
];

/// Twelve nodes, so that raising takes its time, with limits where they can be had; the scenario ends
/// when it is ended.
const LONG: &str = r#"
name = "long"
[network.lan]
subnet = "10.0.0.0/24"
[node.n]
count = 12
memory = "64MiB"
[node.n.interface.eth0]
network = "lan"
[[scenario]]
name = "endless"
kind = "steps"
timeout = "1h"
[[scenario.step]]
run = ["sleep", "12345"]
node = "n-1"
within = "1h"
"#;

/// Moments of a raise, each seen by what exists.
const MOMENTS: [Moment; 5] = [
    ("the lab's folder", |stage| stage.recorded() > 0),
    ("a keeper", |_| marked() > 0),
    ("a node", |_| marked() > 3),
    ("half of the nodes", |_| marked() > 8),
    ("all nodes", |_| marked() > 12),
];

/// What is awaited, and whether it has come.
type Moment = (&'static str, fn(&Stage) -> bool);

/// Processes that carry the mark of a lab, whoever they belong to.
fn marked() -> usize {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let environments = entries.filter_map(|entry| fs::read(entry.path().join("environ")).ok());
    let mark = format!("{}=long-", protocol::keeper::MARK);
    let ours = |environment: &Vec<u8>| {
        let mut variables = environment.split(|&byte| byte == 0);
        variables.any(|variable| variable.starts_with(mark.as_bytes()))
    };
    environments.filter(ours).count()
}

fn in_the_scenario() -> bool {
    !numbers(&PROGRAM).is_empty()
}

/// What the scenario runs.
const PROGRAM: [&str; 2] = ["sleep", "12345"];

/// Waits until a moment has come in the life of a command that goes on.
fn meet(child: &mut Child, awaited: &str, mut come: impl FnMut() -> bool) {
    until(awaited, || {
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "ended before {awaited} came: {ended:?}");
        come()
    });
}

fn send(child: &Child, signal: Signal) {
    kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
}

fn ends_with(mut child: Child, code: i32) {
    assert_eq!(child.wait().unwrap().code(), Some(code));
}

fn of_a_raise(who: Who) {
    for verb in ["run --out out", "up --out out"] {
        let stage = Stage::with_lab(who, LONG);
        for (awaited, come) in MOMENTS {
            let mut child = stage.start(verb);
            meet(&mut child, awaited, || come(&stage));
            send(&child, Signal::SIGINT);
            ends_with(child, 130);
            stage.is_as_before();
        }
    }
}

fn of_a_run(who: Who) {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let stage = Stage::with_lab(who, LONG);
        for verb in ["run --out out", "up --out out"] {
            let mut child = stage.start(verb);
            meet(&mut child, "the scenario", in_the_scenario);
            send(&child, signal);
            ends_with(child, 130);
            stage.is_as_before();
        }
    }
}

/// A signal ends what is held up by a stream that nobody reads, and takes its lab away.
fn where_nobody_reads(who: Who) {
    let stage = Stage::with_lab(who, LONG);
    let pipe = FullPipe::default();
    let interrupted = |line: &str, both| {
        for signal in [Signal::SIGTERM, Signal::SIGINT] {
            let words = line.split(' ');
            let command = stage.sandbox.command_where(Hangup::Ends, words);
            assert_eq!(pipe.interrupts(command, both, signal), Some(130), "{line}");
        }
    };
    for verb in ["run --out out", "up --out out"] {
        interrupted(verb, true);
        stage.is_as_before();
    }
    stage.run("deploy").succeeds();
    for verb in ["ps", "exec n-1 -- cat /dev/zero", "capture n-1:eth0"] {
        interrupted(verb, false);
    }
    until("the program's end", || {
        processes(&["cat", "/dev/zero"]) == 0
    });
    stage.run("down long").succeeds();
    stage.is_as_before();
}

/// Where a hangup is ignored, the run goes on until its program ends.
fn nohup_is_heeded(who: Who) {
    let stage = Stage::with_lab(who, LONG);
    let mut child = stage.start_where(Hangup::IsIgnored, "run --out out");
    meet(&mut child, "the scenario", in_the_scenario);
    send(&child, Signal::SIGHUP);
    for pid in numbers(&PROGRAM) {
        kill(Pid::from_raw(pid), Signal::SIGTERM).unwrap();
    }
    ends_with(child, 1);
    stage.is_as_before();
}

/// Who closes the terminal of an `exec` or a `capture` leaves neither behind.
fn a_hangup_ends_what_it_runs(who: Who) {
    let stage = Stage::with_lab(who, LONG);
    stage.run("deploy").succeeds();
    let mut child = stage.start("exec n-1 -- sleep 12345");
    meet(&mut child, "the program", in_the_scenario);
    send(&child, Signal::SIGHUP);
    ends_with(child, 128 + 1);
    let mut child = stage.start("capture n-1:eth0 --write lan.pcapng");
    let begun = || {
        stage
            .sandbox
            .path("work/lan.pcapng")
            .metadata()
            .is_ok_and(|file| file.len() > 0)
    };
    meet(&mut child, "the capture's beginning", begun);
    send(&child, Signal::SIGHUP);
    ends_with(child, 0);
    stage.run("down long").succeeds();
    stage.is_as_before();
}

/// Leftovers of a killed `down` are taken away by the next verb.
fn of_a_down(who: Who) {
    for next in ["clean", "down long", "down --all", "deploy"] {
        let stage = Stage::with_lab(who, LONG);
        stage.run("deploy").succeeds();
        let all = marked();
        let mut child = stage.start("down long");
        until("the first process to be gone", || marked() < all);
        send(&child, Signal::SIGKILL);
        child.wait().unwrap();
        // Unless only its last moment was left.
        if stage.recorded() > 0 {
            let said = stage.complaint("ps", 0);
            assert!(said.contains("the removal of long-"), "{said}");
            stage.run(next).succeeds();
        }
        if next == "deploy" && stage.recorded() > 0 {
            assert_eq!(stage.recorded(), 1);
            stage.run("down long").succeeds();
        }
        stage.run("clean").succeeds();
        stage.is_as_before();
    }
}

/// Whichever takes the lab down, the other finds it gone.
fn of_two_downs_at_once(who: Who) {
    let stage = Stage::with_lab(who, LONG);
    for _ in 0..3 {
        stage.run("deploy").succeeds();
        let downs = [stage.start("down long"), stage.start("down --all")];
        for mut down in downs {
            let code = down.wait().unwrap().code();
            assert!(matches!(code, Some(0 | 2)), "{code:?}");
        }
        stage.is_as_before();
    }
}

/// No process, and so no namespace, outlives a `run`: the kernel sees to that, not we.
fn killed_run_is_reaped_by_the_kernel(who: Who) {
    let stage = Stage::with_lab(who, &LONG.replace("memory", "#memory"));
    let mut child = stage.start("run --out out");
    meet(&mut child, "the scenario", in_the_scenario);
    send(&child, Signal::SIGKILL);
    child.wait().unwrap();
    stage.becomes_as_before();
    stage.run("clean").succeeds();
    stage.is_as_before();
}

fn killed_raise_is_cleaned(who: Who) {
    for verb in ["run --out out", "up --out out"] {
        let stage = Stage::with_lab(who, LONG);
        for (awaited, come) in MOMENTS {
            let mut child = stage.start(verb);
            meet(&mut child, awaited, || come(&stage));
            send(&child, Signal::SIGKILL);
            child.wait().unwrap();
            clean(&stage);
        }
    }
}

fn killed_run_is_cleaned(who: Who) {
    for verb in ["run --out out", "up --out out"] {
        let stage = Stage::with_lab(who, LONG);
        let mut child = stage.start(verb);
        meet(&mut child, "the scenario", in_the_scenario);
        send(&child, Signal::SIGKILL);
        child.wait().unwrap();
        clean(&stage);
    }
}

/// What was killed is named, then removed, then there is nothing more.
fn clean(stage: &Stage) {
    let named = stage.print("clean --dry-run");
    assert!(named.contains("would remove"), "{named}");
    assert!(stage.recorded() > 0, "a dry run has removed something");
    let refused = stage.complaint("down long", 2);
    assert!(
        refused.contains("`orchestrator clean` removes them"),
        "{refused}"
    );
    let removed = stage.print("clean");
    assert!(removed.contains("removing"), "{removed}");
    stage.is_as_before();
    assert_eq!(stage.print("clean"), "");
}

fn killed_nodes_are_told_and_taken_away(who: Who) {
    let stage = Stage::with_lab(who, &LONG.replace("memory", "#memory"));
    stage.run("deploy").succeeds();
    let first = stage.print("--format json ps");
    assert!(!first.contains("no answer"), "{first}");
    let pids = agents();
    let killed = pids.last().unwrap();
    kill(Pid::from_raw(*killed), Signal::SIGKILL).unwrap();
    until("the node to be told as silent", || {
        stage.print("ps").contains("no answer: ")
    });
    let gone = stage
        .print("ps")
        .lines()
        .filter(|line| line.contains("no answer: "))
        .count();
    assert_eq!(gone, 1);
    // A lab that is up stays, whatever became of it.
    stage.run("clean").succeeds();
    assert_eq!(stage.recorded(), 1);
    // Without its keeper there is no lab.
    for pid in agents() {
        // The kernel may have ended it already, for its parent's end is its own.
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
    let said = stage.complaint("exec n-1 -- true", 4);
    assert!(said.contains("n-1"), "{said}");
    let said = stage.complaint("clean", 0);
    assert!(said.contains("recorded as up, but nothing of it"), "{said}");
    assert!(!said.contains("nothing is left of any lab"), "{said}");
    stage.run("down long").succeeds();
    stage.is_as_before();
}

/// Nobody waits long for nodes that are stopped, nor for their keeper, and the lab can be taken down.
fn stopped_nodes_are_told(who: Who) {
    let stage = Stage::with_lab(who, &LONG.replace("count = 12", "count = 2"));
    stage.run("deploy").succeeds();
    for pid in agents() {
        kill(Pid::from_raw(pid), Signal::SIGSTOP).unwrap();
    }
    let listed = stage.print("ps");
    assert_eq!(
        listed.matches("no answer: waited 10 s").count(),
        2,
        "{listed}"
    );
    let said = stage.complaint("exec n-1 -- true", 4);
    assert!(
        said.contains("waited 10 s for its agent's greeting"),
        "{said}"
    );
    stage.run("down long").succeeds();
    stage.is_as_before();
}

fn a_killed_node_holds_up_no_other(who: Who) {
    let lab = LONG.replace("count = 12", "count = 3").replace(
        "run = [\"sleep\", \"12345\"]",
        "run = [\"ping\", \"-c1\", \"-W5\", \"n-2\"]",
    );
    let stage = Stage::with_lab(who, &lab);
    stage.run("deploy").succeeds();
    let own = |node: &str| stage.print(&format!("exec {node} -- readlink /proc/self/ns/uts"));
    let of_third = own("n-3");
    let is_third = |pid: &i32| {
        let namespace = fs::read_link(format!("/proc/{pid}/ns/uts"));
        namespace.is_ok_and(|name| name.as_os_str() == of_third.trim())
    };
    let third = agents().into_iter().find(is_third).unwrap();
    kill(Pid::from_raw(third), Signal::SIGKILL).unwrap();
    until("the node to be told as silent", || {
        stage.print("ps").contains("no answer: ")
    });
    let ran = stage.run("run --lab long --out out").succeeds();
    let said = e2e::sandbox::stderr(&ran);
    assert!(said.contains("warning: node n-3 does not answer"), "{said}");
    own("n-1");
    stage.run("down long").succeeds();
    stage.is_as_before();
}

/// Processes of the lab, the oldest first.
fn agents() -> Vec<i32> {
    let mark = format!("{}=long-", protocol::keeper::MARK);
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pid = |entry: fs::DirEntry| {
        let environment = fs::read(entry.path().join("environ")).ok()?;
        let mut variables = environment.split(|&byte| byte == 0);
        variables
            .any(|v| v.starts_with(mark.as_bytes()))
            .then_some(())?;
        entry.file_name().to_str()?.parse().ok()
    };
    let mut pids: Vec<i32> = entries.filter_map(pid).collect();
    pids.sort_unstable();
    pids
}
