//! Which cells are run: those chosen, and those that an interrupted run has left.

use std::fs;

use e2e::patience;
use e2e::running::Running;
use e2e::sandbox::{Hangup, Sandbox, stderr};
use nix::sys::signal::Signal;
use serde_json::Value;

use super::sandbox;

const LAB: &str = r#"
name = "cells"
[vars]
word = "thread"
size = "1MB"
[network.lan]
subnet = "10.0.0.0/24"
[node.from]
networks = ["lan"]
[node.to]
networks = ["lan"]
[[scenario]]
name = "send"
kind = "steps"
matrix.word = ["thread", "threads", "process"]
matrix.size = ["1MB", "10MB"]
[[scenario.step]]
run = ["true", "${word}", "${size}"]
node = "from"
[[scenario]]
name = "once"
kind = "steps"
[[scenario.step]]
run = ["true"]
node = "to"
"#;

fn with_lab() -> Sandbox {
    let sandbox = sandbox();
    sandbox.write("lab.toml", LAB);
    sandbox
}

fn run(sandbox: &Sandbox, words: &[&str], code: i32) -> String {
    let first = ["run", "--backend", "fake", "--out", "out"];
    stderr(&sandbox.run([&first[..], words].concat()).ends_with(code))
}

/// The numbers of the cells of each scenario in the report.
fn numbers(sandbox: &Sandbox) -> Vec<(String, Vec<u64>)> {
    let report = fs::read(sandbox.path("work/out/report.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    let scenarios = report["scenarios"].as_array().unwrap().iter();
    let of = |scenario: &Value| {
        let cells = scenario["cells"].as_array().unwrap().iter();
        let numbers = cells.map(|cell| cell["number"].as_u64().unwrap());
        (
            scenario["name"].as_str().unwrap().to_owned(),
            numbers.collect(),
        )
    };
    scenarios.map(of).collect()
}

#[test]
fn cells_are_chosen_by_number_and_by_value() {
    let sandbox = with_lab();
    let chosen = |words: &[&str]| {
        run(&sandbox, words, 0);
        numbers(&sandbox)
    };
    let send = |cells: &[u64]| ("send".to_owned(), cells.to_vec());
    let once = ("once".to_owned(), vec![1]);
    assert_eq!(chosen(&[]), [send(&[1, 2, 3, 4, 5, 6]), once.clone()]);
    assert_eq!(chosen(&["--cells", "1,5-6"]), [send(&[1, 5, 6]), once]);
    assert_eq!(chosen(&["--cells", "word=*s,size=10MB"]), [send(&[4, 6])]);
    let two = ["--cells", "size=1MB,word=thread|threads", "--cells", "6"];
    assert_eq!(chosen(&two), [send(&[1, 3, 6])]);
    assert_eq!(chosen(&["--cells", "6", "--repeat", "2"]), [send(&[6, 6])]);
}

#[test]
fn a_choice_of_nothing_is_refused_with_what_there_is() {
    let sandbox = with_lab();
    let said = run(&sandbox, &["--cells", "word=task"], 2);
    assert!(
        said.contains("no cell of lab.toml is `word=task`; there are: send, 6 cells: "),
        "{said}"
    );
    assert!(
        said.contains("word=thread|threads|process,size=1MB|10MB"),
        "{said}"
    );
    let said = run(&sandbox, &["--cells", "6", "--scenario", "once"], 2);
    assert!(
        said.contains("no cell of lab.toml is `6`; there are: once, 1 cell"),
        "{said}"
    );
    let said = run(&sandbox, &["--cells", "word="], 2);
    assert!(
        said.contains("write numbers as in 1-20,51, or values"),
        "{said}"
    );
    assert!(!sandbox.path("work/out").exists());
}

#[test]
fn cells_that_have_ended_are_not_run_again() {
    let sandbox = with_lab();
    run(&sandbox, &["--cells", "1-2", "--scenario", "send"], 0);
    let journal = sandbox.path("work/out/cells.ndjson");
    let before = fs::read_to_string(&journal).unwrap();
    assert_eq!(before.lines().count(), 3);
    // As a kill within a line leaves it.
    fs::write(&journal, format!("{before}{{\"scenario\":\"send\",\"ce")).unwrap();
    run(&sandbox, &["--resume", "--scenario", "send"], 0);
    assert_eq!(
        numbers(&sandbox),
        [("send".to_owned(), vec![1, 2, 3, 4, 5, 6])]
    );
    let after = fs::read_to_string(&journal).unwrap();
    assert!(after.starts_with(&before), "{after}");
    assert_eq!(after.lines().count(), 7);
    let said = run(&sandbox, &["--resume", "--seed", "00000001"], 2);
    assert!(said.contains("holds a run with --seed "), "{said}");
    let words = ["run", "--backend", "fake", "--resume"];
    let said = stderr(&sandbox.run(words).ends_with(2));
    assert!(said.contains("--out"), "{said}");
}

/// A lab of as many cells as there may be, whose second variable has these values.
fn with_many(sandbox: &Sandbox, sizes: &[String]) {
    let words: Vec<String> = (0..100).map(|at| format!("word-{at}")).collect();
    let axes = format!("matrix.word = {words:?}\nmatrix.size = {sizes:?}");
    let (before, rest) = LAB.split_once("matrix.word").unwrap();
    let (_, after) = rest.split_once("\"10MB\"]").unwrap();
    let after = after.replacen("node =", "within = \"${size}\"\nnode =", 1);
    let before = before.replace("size = \"1MB\"", "size = \"1s\"");
    sandbox.write("lab.toml", format!("{before}{axes}{after}"));
}

#[test]
fn what_a_cells_values_break_is_found_before_anything_is_raised() {
    let sandbox = sandbox();
    let mut sizes: Vec<String> = (1..100).map(|at| format!("{at}s")).collect();
    sizes.push("soon".to_owned());
    with_many(&sandbox, &sizes);
    for words in [&["validate"][..], &["run", "--backend", "fake"]] {
        let said = stderr(&sandbox.run([words, &["lab.toml"]].concat()).ends_with(2));
        let told = "with size = soon (cell 100 and 99 more): `soon`, which `${size}` stands for, is \
            not a duration";
        assert!(said.contains(told), "{said}");
        assert!(said.contains("lab.toml:16:"), "{said}");
        assert_eq!(said.matches("error").count(), 1, "{said}");
    }
    assert!(!sandbox.path("work/runs").exists());
    assert_eq!(fs::read_dir(sandbox.path("state")).unwrap().count(), 0);
}

#[test]
fn an_interruption_ends_a_run_with_thousands_of_cells_to_go() {
    let sandbox = sandbox();
    let sizes: Vec<String> = (1..=100).map(|at| format!("{at}s")).collect();
    with_many(&sandbox, &sizes);
    let run = ["run", "--backend", "fake", "--out", "out", "lab.toml"];
    let run = Running::start(sandbox.command_where(Hangup::Ends, run));
    let cells = sandbox.path("work/out/cells.ndjson");
    let ended = || fs::read_to_string(&cells).map_or(0, |text| text.lines().count());
    patience::until("the first cell's end", || ended() > 1);
    run.signal(Signal::SIGINT);
    let done = run.ended();
    assert_eq!(done.code, Some(130), "{done:?}");
    assert!(done.said.contains("send: 1 step, 10000 cells"), "{done:?}");
    assert!(ended() < 10_000, "nothing was interrupted");
    assert_eq!(fs::read_dir(sandbox.path("state")).unwrap().count(), 0);
}
