//! The five models, the framings and the split, from end to end.

use std::collections::BTreeSet;
use std::fs;

use e2e::models::{self, Loss};
use e2e::sandbox::Who;
use protocol::broadcast::{Datagram, HEADER, Message, Seal};
use serde_json::Value;

use crate::stage::{Play, Stage};

pub(crate) const TRIALS: &[Play] = &[
    ("to_two_receivers", to_two),
    ("to_eight_receivers", to_eight),
    ("to_sixteen_receivers", to_sixteen),
    ("to_two_receivers_with_loss", to_two_with_loss),
    ("to_eight_receivers_with_loss", to_eight_with_loss),
    ("to_sixteen_receivers_with_loss", to_sixteen_with_loss),
    ("what_does_not_fit_is_told", what_does_not_fit_is_told),
    ("a_lesson_that_is_none_fails", a_lesson_that_is_none_fails),
    ("late_tasks_fail", late_tasks_fail),
    (
        "a_seed_is_what_all_is_drawn_from",
        a_seed_is_what_all_is_drawn_from,
    ),
    (
        "what_cannot_be_read_ends_the_waiting",
        what_cannot_be_read_ends_the_waiting,
    ),
    ("many_files_at_once", many_files_at_once),
    ("a_matrix_varies_what_is_sent", a_matrix_varies_what_is_sent),
    ("a_split_crosses_a_router", a_split_crosses_a_router),
    ("a_changed_original_is_named", a_changed_original_is_named),
    (
        "a_touched_original_is_the_same",
        a_touched_original_is_the_same,
    ),
];

fn to_two(who: Who) {
    every_model_and_framing(who, 2, Loss::None);
}

fn to_eight(who: Who) {
    every_model_and_framing(who, 8, Loss::None);
}

fn to_sixteen(who: Who) {
    every_model_and_framing(who, 16, Loss::None);
}

fn to_two_with_loss(who: Who) {
    every_model_and_framing(who, 2, Loss::OneInFive);
}

fn to_eight_with_loss(who: Who) {
    every_model_and_framing(who, 8, Loss::OneInFive);
}

fn to_sixteen_with_loss(who: Who) {
    every_model_and_framing(who, 16, Loss::OneInFive);
}

fn every_model_and_framing(who: Who, receivers: usize, loss: Loss) {
    let stage = Stage::with_lab(who, &loss.lab(receivers));
    for (name, bytes) in models::files() {
        stage.sandbox.write(name, bytes);
    }
    stage.run("run --out out").succeeds();
    loss.judge(&report(&stage), receivers);
    stage.is_as_before();
}

/// A sender and two receivers, and what is done.
pub(crate) fn lab(scenario: &str) -> String {
    format!(
        "name = \"three\"\n[network.lan]\nsubnet = \"10.0.0.0/24\"\n[node.a]\nnetworks = [\"lan\"]\n\
         [node.b]\nnetworks = [\"lan\"]\n[node.c]\nnetworks = [\"lan\"]\n\
         [[scenario]]\nname = \"s\"\n{scenario}"
    )
}

pub(crate) fn report(stage: &Stage) -> Value {
    let path = stage.sandbox.path("work/out/report.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The files of the first cell: node, name, outcome, and why.
pub(crate) fn files(report: &Value) -> Vec<(String, String, String, String)> {
    let files = report["scenarios"][0]["cells"][0]["files"]
        .as_array()
        .unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let line = |file: &Value| {
        let [node, name, outcome, note] =
            ["node", "name", "outcome", "note"].map(|k| text(&file[k]));
        (node, name, outcome, note)
    };
    files.iter().map(line).collect()
}

fn what_does_not_fit_is_told(who: Who) {
    let scenario = "kind = \"broadcast\"\nfrom = \"a\"\nto = [\"b\", \"c\"]\nframing = \"datagram\"\n\
                    files = [\"fits\", \"cut\", \"too-long\"]\nmodel = \"multi-thread\"\n";
    let stage = Stage::with_lab(who, &lab(scenario));
    for (name, length) in [("fits", 54_272), ("cut", 60_000), ("too-long", 65_508)] {
        let byte = name.as_bytes()[0];
        stage.sandbox.write(name, vec![byte; length]);
    }
    stage.run("run --out out").ends_with(1);
    let told = report(&stage);
    for (node, found) in ["b", "c"].iter().zip(files(&told).chunks(3)) {
        let [cut, fits, too_long] = found else {
            panic!("{found:?}");
        };
        assert!(found.iter().all(|line| line.0 == *node), "{found:?}");
        assert_eq!((cut.1.as_str(), cut.2.as_str()), ("cut", "cut"));
        assert!(cut.3.contains("buffer of 54 272 bytes"), "{}", cut.3);
        assert_eq!((fits.1.as_str(), fits.2.as_str()), ("fits", "equal"));
        assert_eq!(
            (too_long.1.as_str(), too_long.2.as_str()),
            ("too-long", "missing")
        );
        assert!(too_long.3.contains("at most 65507"), "{}", too_long.3);
    }
    // The same, as a lesson.
    let scenario = format!("{scenario}expect = \"fail\"\nreason = \"they are too long\"\n");
    stage.sandbox.write("lab.toml", lab(&scenario));
    let shown = stage.print("run --out out");
    for words in [
        "failed, as expected",
        "they are too long",
        "fits arrived whole",
    ] {
        assert!(shown.contains(words), "{shown}");
    }
    stage.is_as_before();
}

fn a_lesson_that_is_none_fails(who: Who) {
    let scenario = "kind = \"broadcast\"\nfrom = \"a\"\nto = [\"b\"]\nfiles = [\"f\"]\n\
                    framing = \"datagram\"\nexpect = \"fail\"\nreason = \"of pessimism\"\n";
    let stage = Stage::with_lab(who, &lab(scenario));
    stage.sandbox.write("f", "file");
    let assert = stage.run("run --out out").ends_with(1);
    let shown = e2e::sandbox::stdout(&assert);
    assert!(
        shown.contains("it passed, but was to fail: of pessimism"),
        "{shown}"
    );
    stage.is_as_before();
}

fn late_tasks_fail(who: Who) {
    // So many datagrams leave no machine in a millisecond.
    let scenario = "kind = \"broadcast\"\nfrom = \"a\"\nto = [\"b\"]\nfiles = [\"long\"]\n\
                    framing = \"byte\"\nmodel = \"multi-thread-async\"\ndeadline = \"1ms\"\n";
    let stage = Stage::with_lab(who, &lab(scenario));
    stage.sandbox.write("long", vec![7; 300_000]);
    let shown = e2e::sandbox::stdout(&stage.run("run --out out").ends_with(1));
    assert!(
        shown.contains("long was not done within its 1ms"),
        "{shown}"
    );
    let report = report(&stage);
    let task = &report["scenarios"][0]["cells"][0]["work"]["files"][0];
    assert_eq!(task["outcome"], "failed", "{task:#}");
    stage.is_as_before();
}

/// A file that is written anew again and again while it is sent, each time otherwise and as long as
/// before.
fn a_changed_original_is_named(who: Who) {
    let scenario = "kind = \"broadcast\"\nfrom = \"a\"\nto = [\"b\"]\nfiles = [\"f\"]\n\
                    model = \"single-thread\"\npause = \"1s\"\n";
    let stage = Stage::with_lab(who, &lab(scenario));
    let file = stage.sandbox.write("f", 0_u64.to_ne_bytes());
    let mut run = stage.start("run --out out");
    let mut number = 0_u64;
    let ended = loop {
        if let Some(ended) = run.try_wait().unwrap() {
            break ended;
        }
        number += 1;
        let written = stage.sandbox.write("new", number.to_ne_bytes());
        fs::rename(written, &file).unwrap();
    };
    assert_eq!(ended.code(), Some(4));
    let report = report(&stage);
    let reason = report["scenarios"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("f was changed during the run"), "{reason}");
    stage.is_as_before();
}

/// A file that is written anew again and again while it is sent, with what it had before.
fn a_touched_original_is_the_same(who: Who) {
    let scenario = "kind = \"broadcast\"\nfrom = \"a\"\nto = [\"b\"]\nfiles = [\"f\"]\n\
                    model = \"single-thread\"\npause = \"1s\"\n";
    let stage = Stage::with_lab(who, &lab(scenario));
    let file = stage.sandbox.write("f", "same");
    let mut run = stage.start("run --out out");
    let ended = loop {
        if let Some(ended) = run.try_wait().unwrap() {
            break ended;
        }
        let written = stage.sandbox.write("new", "same");
        fs::rename(written, &file).unwrap();
    };
    assert_eq!(ended.code(), Some(0), "{:#}", report(&stage));
    stage.is_as_before();
}

/// The numbers of sessions, as they cross the wire, in one session and in tasks of several processes.
fn a_seed_is_what_all_is_drawn_from(who: Who) {
    let sends = "kind = \"broadcast\"\nfrom = \"a\"\nto = [\"b\"]\nfiles = [\"f\", \"g\"]\n";
    let tasks = "[[scenario]]\nname = \"tasks\"\nmodel = \"multi-process\"\n";
    let stage = Stage::with_lab(who, &lab(&format!("{sends}{tasks}{sends}")));
    stage.sandbox.write("f", "file");
    stage.sandbox.write("g", "other file");
    let run = |seed: &str| {
        stage.print(&format!("run --out out --repeat 2 --seed {seed}"));
        assert_eq!(report(&stage)["seed"], seed);
        ["s", "tasks"].map(|scenario| sessions(&stage, scenario))
    };
    let first = run("7f3a91c2");
    assert_eq!(
        first.each_ref().map(BTreeSet::len),
        [2, 4],
        "each cell draws anew"
    );
    assert_eq!(run("7f3a91c2"), first);
    assert!(run("0000002a")[0].is_disjoint(&first[0]));
    stage.is_as_before();
}

/// The sessions whose ends the sender's interface saw.
fn sessions(stage: &Stage, scenario: &str) -> BTreeSet<u32> {
    let path = format!("work/out/captures/{scenario}/a-eth0.pcapng");
    let frames = fs::read(stage.sandbox.path(&path)).unwrap();
    // Nothing else has an end's checksum.
    let end = |bytes| match Datagram::decode(bytes, &Seal::default()) {
        Ok(Datagram {
            session,
            message: Message::End,
        }) => Some(session),
        _ => None,
    };
    frames.windows(HEADER).filter_map(end).collect()
}

/// While the sender rests after the first file, the second goes away.
fn what_cannot_be_read_ends_the_waiting(who: Who) {
    let text = lab("kind = \"broadcast\"\nfrom = \"a\"\nto = [\"b\", \"c\"]\n\
         files = [\"one.txt\", \"two.txt\"]\nmodel = \"single-thread\"\npause = \"2s\"\n\
         timeout = \"1h\"\n")
    .replace(
        "[node.b]",
        "command = [\"sh\", \"-c\", \"until rm /root/two.txt 2>/dev/null; do :; done\"]\n[node.b]",
    );
    let stage = Stage::with_lab(who, &text);
    stage.sandbox.write("one.txt", "one");
    stage.sandbox.write("two.txt", "two");
    stage.run("run --out out").ends_with(1);
    let report = report(&stage);
    let findings = report["scenarios"][0]["cells"][0]["findings"].to_string();
    for node in ["b", "c"] {
        let waited =
            format!("{node} waited for what was never sent: two.txt was not sent: cannot read");
        assert!(findings.contains(&waited), "{findings}");
    }
    let outcomes: Vec<_> = files(&report)
        .into_iter()
        .map(|file| (file.1, file.2))
        .collect();
    let equal_and_missing = [("one.txt", "equal"), ("two.txt", "missing")]
        .map(|(name, outcome)| (name.to_owned(), outcome.to_owned()));
    assert_eq!(
        outcomes,
        [equal_and_missing.clone(), equal_and_missing].concat()
    );
    stage.is_as_before();
}

/// More is told of them than waits unread.
fn many_files_at_once(who: Who) {
    let names: Vec<String> = (0..800).map(|number| format!("f-{number}")).collect();
    let files = names.join("\", \"");
    let scenario =
        format!("kind = \"broadcast\"\nfrom = \"a\"\nto = [\"b\", \"c\"]\nfiles = [\"{files}\"]\n");
    let stage = Stage::with_lab(who, &lab(&scenario));
    for name in &names {
        stage.sandbox.write(name, name);
    }
    let shown = stage.print("run --out out");
    assert!(shown.contains("1 600 of 1 600 files equal"), "{shown}");
    stage.is_as_before();
}

fn a_matrix_varies_what_is_sent(who: Who) {
    let scenario = "kind = \"broadcast\"\nfrom = \"a\"\nto = [\"b\", \"c\"]\n\
                    files = [\"${file}\"]\nframing = \"${framing}\"\n\
                    matrix.framing = [\"reliable\", \"datagram\", \"byte\"]\n\
                    matrix.file = [\"f\", \"g\"]\n";
    let vars = "[vars]\nframing = \"reliable\"\nfile = \"f\"\n[network.lan]";
    let stage = Stage::with_lab(who, &lab(scenario).replace("[network.lan]", vars));
    stage.sandbox.write("f", "file");
    stage.sandbox.write("g", "another");
    let shown = stage.print("run --out out");
    assert!(shown.contains("12 of 12 files equal"), "{shown}");
    let report = report(&stage);
    let cells = report["scenarios"][0]["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 6);
    for cell in cells {
        let varied = &cell["params"];
        assert!(
            cell["files"]
                .as_array()
                .unwrap()
                .iter()
                .all(|f| f["name"] == varied["file"])
        );
        if varied["framing"] == "byte" {
            assert_eq!(cell["work"]["framing"], "byte");
            assert_eq!(cell["files"][1]["received_as"], "server2.jpg");
        }
    }
    stage.is_as_before();
}

/// The sender and b on one side, c on the other.
const ROUTED: &str = r#"
name = "routed"
[vars]
framing = "reliable"
[network.west]
subnet = "10.1.0.0/24"
[network.east]
subnet = "10.2.0.0/24"
[node.a]
networks = ["west"]
[node.b]
networks = ["west"]
[node.router]
networks = ["west", "east"]
forward = true
[node.c]
networks = ["east"]
[[scenario]]
name = "split"
kind = "split"
from = "a"
to = ["c", "b"]
files = ["first", "second"]
framing = "${framing}"
matrix.framing = ["reliable", "datagram", "byte"]
"#;

fn a_split_crosses_a_router(who: Who) {
    let stage = Stage::with_lab(who, ROUTED);
    stage.sandbox.write("first", "for c");
    stage.sandbox.write("second", "for b, who is near");
    let shown = stage.print("up --out out");
    assert!(
        shown.contains("first, second from a to c, b, one to each"),
        "{shown}"
    );
    assert!(shown.contains("6 of 6 files equal"), "{shown}");
    for (cell, names) in [(0, ["first", "second"]), (1, ["img1.jpg", "img1.jpg"])] {
        for (node, name) in ["c", "b"].iter().zip(names) {
            let listed = stage.print(&format!("exec {node} -- ls /root/received/split/{cell}"));
            assert_eq!(listed, format!("{name}\n"));
        }
    }
    let bytes = stage.print("exec b -- cat /root/received/split/2/server2.jpg");
    assert_eq!(bytes, "for b, who is near");
    stage.run("down routed").succeeds();
    stage.is_as_before();
}
