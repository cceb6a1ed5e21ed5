//! A lab that one process raised, changed by another and read by a third; and clients that harm nobody.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use e2e::patience::until;
use e2e::sandbox::{Invocation, Sandbox, Who, stdout};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::keeper_client::{COMMAND, socket};
use crate::stage::{Play, Stage, numbers};

pub(crate) const TRIALS: &[Play] = &[
    (
        "a_lab_of_one_process_is_changed_by_another",
        a_lab_of_one_process_is_changed_by_another,
    ),
    ("many_change_it_at_once", many_change_it_at_once),
    (
        "a_run_that_keeps_nothing_is_reached_too",
        a_run_that_keeps_nothing_is_reached_too,
    ),
    (
        "bad_clients_harm_neither_others_nor_the_lab",
        bad_clients_harm_neither_others_nor_the_lab,
    ),
    (
        "a_process_of_a_node_is_refused",
        a_process_of_a_node_is_refused,
    ),
    (
        "a_keeper_that_cannot_answer_is_named",
        a_keeper_that_cannot_answer_is_named,
    ),
];

const PAIR: &str = r#"
name = "pair"
[network.lan]
subnet = "10.0.0.0/24"
[node.a]
networks = ["lan"]
[node.b]
networks = ["lan"]
command = ["sleep", "4327"]
"#;

/// A lab that is up, and the other processes of its user.
struct Shared {
    stage: Stage,
    others: Sandbox,
}

impl Shared {
    fn new(who: Who, text: &str) -> Self {
        Self {
            stage: Stage::with_lab(who, text),
            others: Sandbox::new(who, &env::current_exe().unwrap()),
        }
    }

    fn up(who: Who) -> Self {
        let lab = Self::new(who, PAIR);
        lab.stage.run("deploy").succeeds();
        lab
    }

    fn client(&self, words: &[&str]) -> Command {
        let state = self.stage.sandbox.path("state").display().to_string();
        let words = [&[COMMAND, state.as_str()], words].concat();
        self.others.command(words)
    }

    /// The output of a process that does this.
    fn said(&self, words: &[&str]) -> String {
        stdout(&Invocation::of(self.client(words)).succeeds())
            .trim_end()
            .to_owned()
    }

    fn read(&self) -> Value {
        serde_json::from_str(&self.said(&["read"])).unwrap()
    }

    /// Starts a client that misbehaves, and waits until it does.
    fn misbehaving(&self, kind: &str) -> Child {
        let mut command = self.client(&["misbehave", kind]);
        let streams = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = streams.spawn().unwrap();
        let mut line = String::new();
        let output = child.stdout.as_mut().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        assert_eq!(line.trim_end(), kind);
        child
    }

    /// One node must reach the other, which refuses the connection.
    fn works(&self) {
        let asks = ["exec", "a", "--", "/usr/bin/python3", "-c", REACH];
        self.stage.sandbox.run(asks).succeeds();
    }

    fn down(self) {
        let socket = socket(&self.stage.sandbox.path("state"));
        self.stage.run("down pair").succeeds();
        assert!(!socket.exists());
        self.stage.is_as_before();
    }
}

fn a_lab_of_one_process_is_changed_by_another(who: Who) {
    let lab = Shared::new(who, PAIR);
    lab.stage.run("up --out out").succeeds();
    let socket = socket(&lab.stage.sandbox.path("state"));
    let mode = fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let revision = |held: &Value| held["revision"].as_u64().unwrap();
    let before = revision(&lab.read());
    let set = lab.said(&["set", "a:eth0 egress", "5"]);
    assert_eq!(set, (before + 1).to_string());
    let held = lab.read();
    assert_eq!(revision(&held), before + 1);
    assert_eq!(held["conditions"]["a:eth0 egress"]["loss"], 5.0);
    let refused = lab.said(&["set", "a:eth7 egress", "5"]);
    assert!(
        refused.starts_with("error: netns: changing links' conditions: "),
        "{refused}"
    );
    assert!(
        refused.contains("the lab has no link at a:eth7"),
        "{refused}"
    );
    assert_eq!(lab.read(), held);
    lab.works();
    assert_eq!(lab.read(), held);
    lab.down();
}

fn many_change_it_at_once(who: Who) {
    let lab = Shared::up(who);
    let before = lab.read()["revision"].as_u64().unwrap();
    let links = [
        "a:eth0 egress",
        "a:eth0 ingress",
        "b:eth0 egress",
        "b:eth0 ingress",
    ];
    let setters: Vec<Child> = (0..WRITERS)
        .map(|number| {
            let loss = (number + 1).to_string();
            let mut command = lab.client(&["set", links[number % links.len()], &loss]);
            command.stdout(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let mut last = [(0, 0); 4];
    for (number, setter) in setters.into_iter().enumerate() {
        let output = setter.wait_with_output().unwrap();
        let revision: u64 = String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .parse()
            .unwrap();
        let own = &mut last[number % links.len()];
        *own = (*own).max((revision, number + 1));
    }
    let held = lab.read();
    assert_eq!(held["revision"], before + WRITERS as u64);
    for (link, (_, loss)) in links.iter().zip(last) {
        let kept = held["conditions"][link]["loss"].as_f64();
        #[expect(clippy::cast_precision_loss, reason = "it is small")]
        let written = loss as f64;
        assert_eq!(kept, Some(written), "{link}");
    }
    lab.down();
}

fn a_run_that_keeps_nothing_is_reached_too(who: Who) {
    let step = "[[scenario]]\nname = \"s\"\nkind = \"steps\"\n[[scenario.step]]\nrun = [\"sleep\", \"4328\"]\n\
                node = \"a\"\n";
    let lab = Shared::new(who, &format!("{PAIR}{step}"));
    let mut run = lab.stage.start("run --out out");
    until("the run's step", || !numbers(&["sleep", "4328"]).is_empty());
    lab.said(&["set", "b:eth0 ingress", "7"]);
    assert_eq!(lab.read()["conditions"]["b:eth0 ingress"]["loss"], 7.0);
    kill(Pid::from_raw(run.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(130));
    lab.stage.is_as_before();
}

fn bad_clients_harm_neither_others_nor_the_lab(who: Who) {
    let lab = Shared::up(who);
    let mut bad: Vec<Child> = Vec::new();
    for (number, kind) in ["half", "flood", "garbage", "version", "crowd"]
        .iter()
        .enumerate()
    {
        bad.push(lab.misbehaving(kind));
        let start = Instant::now();
        let loss = (number + 1).to_string();
        lab.said(&["set", "a:eth0 egress", &loss])
            .parse::<u64>()
            .unwrap();
        let kept = lab.read()["conditions"]["a:eth0 egress"]["loss"].to_string();
        assert_eq!(kept, format!("{loss}.0"), "beside {kind}");
        assert!(
            start.elapsed() < SOON,
            "{:?} beside {kind}",
            start.elapsed()
        );
        lab.works();
    }
    // Killed in the middle of a request.
    for mut child in bad {
        child.kill().unwrap();
        child.wait().unwrap();
        lab.said(&["set", "a:eth0 egress", "50"])
            .parse::<u64>()
            .unwrap();
    }
    assert_eq!(lab.read()["conditions"]["a:eth0 egress"]["loss"], 50.0);
    lab.down();
}

/// It finds the socket and is of the right user, but is of the lab.
fn a_process_of_a_node_is_refused(who: Who) {
    let lab = Shared::up(who);
    let socket = socket(&lab.stage.sandbox.path("state"));
    // As its agent: programs are in a user namespace below, from which no other namespace of the node can be entered.
    let inside = parent(numbers(&["sleep", "4327"])[0]).to_string();
    let python = Sandbox::new(who, Path::new("/usr/bin/python3"));
    let asks = ["-c", GREETING, socket.to_str().unwrap()];
    let answer = stdout(&python.run(asks).succeeds());
    assert!(answer.contains("ready"), "{answer}");
    let nsenter = Sandbox::new(who, Path::new("/usr/bin/nsenter"));
    let mut words = vec!["--target", &inside, "--pid"];
    if who == Who::Ordinary {
        words.extend(["--user", "--preserve-credentials"]);
    }
    words.extend(["--", "/usr/bin/python3"]);
    words.extend(asks);
    let answer = stdout(&nsenter.run(words).succeeds());
    assert_eq!(answer, "hung up\n");
    // A node does not even find it by its own means.
    let seen = lab
        .stage
        .sandbox
        .run(["exec", "a", "--", "test", "-e", asks[2]]);
    seen.ends_with(1);
    lab.down();
}

fn parent(process: i32) -> i32 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix("PPid:")).unwrap();
    line.trim().parse().unwrap()
}

fn a_keeper_that_cannot_answer_is_named(who: Who) {
    let lab = Shared::up(who);
    let keeper = keeper_of(&lab);
    kill(keeper, Signal::SIGSTOP).unwrap();
    let start = Instant::now();
    let said = lab.said(&["read"]);
    kill(keeper, Signal::SIGCONT).unwrap();
    assert!(
        said.contains("waited 10 s for the keeper of pair-"),
        "{said}"
    );
    assert!(start.elapsed() < Duration::from_secs(20));
    lab.read();
    // As a lab of an earlier version has it.
    let socket = socket(&lab.stage.sandbox.path("state"));
    let aside = socket.with_file_name("0000");
    fs::rename(&socket, &aside).unwrap();
    let said = lab.said(&["set", "a:eth0 egress", "5"]);
    assert!(said.contains("raised by an earlier version"), "{said}");
    fs::rename(&aside, &socket).unwrap();
    kill(keeper, Signal::SIGKILL).unwrap();
    until("the keeper to end", || {
        lab.said(&["read"]).contains("has ended")
    });
    lab.down();
}

/// The first process of the lab: the parent of a node's first process, which has the sleeper as its child.
fn keeper_of(lab: &Shared) -> Pid {
    let parent = |process: i32| -> i32 {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
        let (_, rest) = stat.rsplit_once(") ").unwrap();
        rest.split(' ').nth(1).unwrap().parse().unwrap()
    };
    let sleeper = numbers(&["sleep", "4327"])[0];
    let keeper = parent(parent(sleeper));
    let title = fs::read_to_string(format!("/proc/{keeper}/cmdline")).unwrap();
    assert!(title.starts_with("keeper pair-"), "{title}");
    assert_eq!(lab.stage.recorded(), 1);
    Pid::from_raw(keeper)
}

/// Says hello to a keeper, and prints its answer.
const GREETING: &str = r#"
import socket, sys
with socket.socket(socket.AF_UNIX) as s:
    s.connect(sys.argv[1])
    body = b'\0{"id":1,"request":{"hello":{"version":1}}}'
    try:
        s.sendall(len(body).to_bytes(4, "big") + body)
        answer = s.recv(1000)
    except (BrokenPipeError, ConnectionResetError):
        answer = b""
    print(answer.decode("latin1") or "hung up")
"#;

/// Ends well if the other node answers that nobody listens.
const REACH: &str = r#"
import socket
try:
    socket.create_connection(("b", 9), 5)
except ConnectionRefusedError:
    pass
"#;

/// Processes that set something at once.
const WRITERS: usize = 24;

/// The time that a client may take beside others that misbehave, on a busy machine.
const SOON: Duration = Duration::from_secs(9);
