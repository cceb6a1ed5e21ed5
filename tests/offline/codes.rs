//! How a run on the backend in memory ends, by its exit code.

use std::fs;

use e2e::sandbox::{Sandbox, stderr, stdout};
use serde_json::Value;

use super::sandbox;

/// Two nodes; one broadcasts an image to the other.
const LAB: &str = r#"
name = "codes"
[network.lan]
subnet = "10.0.0.0/24"
[node.from]
networks = ["lan"]
[node.to]
networks = ["lan"]
[[scenario]]
name = "send"
kind = "broadcast"
from = "from"
to = ["to"]
files = ["image"]
capture = "off"
"#;

/// What makes a scenario one for a later version.
const LATER: &str = r#"
[[scenario.fault]]
at = "1s"
partition = [["from"], ["to"]]
for = "1s"
"#;

/// Runs the lab with more text at its end, and with faults of the backend.
fn run(sandbox: &mut Sandbox, more: &str, faults: &str, code: i32) -> String {
    sandbox.write("lab.toml", format!("{LAB}{more}"));
    sandbox.write("image", vec![7; 100_000]);
    sandbox.set("ORCHESTRATOR_FAKE_FAULTS", faults);
    let run = sandbox.run(["run", "--backend", "fake", "--out", "out"]);
    let ended = run.ends_with(code);
    let left = fs::read_dir(sandbox.path("state")).unwrap().count();
    assert_eq!(left, usize::from(code == 5), "folders of labs are left");
    stdout(&ended) + &stderr(&ended)
}

/// `/dev/full` takes nothing (full(4)), as a disk that is full.
#[test]
fn results_that_reach_nobody_end_with_4() {
    let sandbox = sandbox();
    let all = [
        &["schema"][..],
        &["completions", "bash"],
        &["--help"],
        &["--version"],
    ];
    for words in all.into_iter().chain([&["run", "--help"][..]]) {
        let mut command = sandbox.command(words);
        command.stdout(fs::File::create("/dev/full").unwrap());
        let ended = command.output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(4), "{words:?}: {said}");
        assert!(said.contains("standard output: No space left"), "{said}");
    }
}

#[test]
fn a_matrix_beyond_measure_is_refused_before_its_values_are_tried() {
    let sandbox = sandbox();
    let values: Vec<String> = (0..2000).map(|value| value.to_string()).collect();
    let lab = format!("{LAB}matrix.x = {values:?}\nmatrix.y = {values:?}\n[vars]\nx = 1\ny = 1\n");
    sandbox.write("lab.toml", lab);
    sandbox.write("image", b"image");
    let said = stderr(&sandbox.run(["validate"]).ends_with(2));
    assert!(said.contains("the axis x has 2000 values"), "{said}");
    assert!(said.contains("the axis y has 2000 values"), "{said}");
}

#[test]
fn what_passes_ends_with_0() {
    let said = run(&mut sandbox(), "", "", 0);
    assert!(said.contains("1 of 1 file equal byte for byte"), "{said}");
}

#[test]
fn a_file_that_is_missing_cut_changed_or_extra_ends_with_1_and_is_named() {
    for (fault, named) in [
        ("drop:to", "image at to is missing"),
        ("cut:to", "50 000 of 100 000 bytes"),
        ("change:to", "the first difference at byte 50 000"),
        ("extra:to", "unasked at to is extra"),
    ] {
        let said = run(&mut sandbox(), "", fault, 1);
        assert!(said.contains(named), "{fault}:\n{said}");
    }
}

#[test]
fn a_copy_that_goes_on_beyond_its_original_fails_and_is_read_no_further() {
    let mut sandbox = sandbox();
    let said = run(&mut sandbox, "", "swell:to", 1);
    let named = "it is longer than its original: more than 165536 bytes";
    assert!(said.contains("image at to is changed"), "{said}");
    assert!(said.contains(named), "{said}");
    let kept = fs::read(sandbox.path("work/out/received/send/all/to/image")).unwrap();
    assert_eq!(kept.len(), 165_536);
}

#[test]
fn only_the_copy_that_differs_is_kept() {
    let mut sandbox = sandbox();
    run(&mut sandbox, "", "", 0);
    assert!(!sandbox.path("work/out/received").exists());
    run(&mut sandbox, "", "cut:to", 1);
    let kept = fs::read(sandbox.path("work/out/received/send/all/to/image")).unwrap();
    assert_eq!(kept, vec![7; 50_000]);
}

#[test]
fn a_step_that_is_not_as_expected_ends_with_1_and_those_after_it_are_skipped() {
    let steps = r#"
[[scenario]]
name = "more"
kind = "steps"
[[scenario.step]]
run = ["true"]
node = "to"
[[scenario.step]]
run = ["false"]
node = "to"
[[scenario.step]]
run = ["true"]
node = "to"
"#;
    let said = run(&mut sandbox(), steps, "", 1);
    assert!(said.contains("1 of 3 steps failed, 1 skipped"), "{said}");
    assert!(said.contains("more       3 steps\n"), "{said}");
}

#[test]
fn one_step_and_one_receiver_are_told_in_the_singular() {
    let steps = "
[[scenario]]
name = \"more\"
kind = \"steps\"
[[scenario.step]]
run = [\"true\"]
node = \"to\"
";
    let said = run(&mut sandbox(), steps, "", 0);
    assert!(said.contains("send: image from from to 1 node\n"), "{said}");
    assert!(said.contains("more: 1 step\n"), "{said}");
}

#[test]
fn what_a_later_version_brings_ends_with_3_and_says_so() {
    let later = |more: &str| run(&mut sandbox(), more, "", 3);
    let impaired =
        later("[node.to.interface.eth1]\nnetwork = \"lan\"\negress = { loss = \"5%\" }\n");
    assert!(
        impaired.contains("carried out by a later version"),
        "{impaired}"
    );
}

#[test]
fn a_lab_of_which_all_is_skipped_ends_with_3() {
    let mut sandbox = sandbox();
    let said = run(&mut sandbox, LATER, "", 3);
    assert!(said.contains("carried out by a later version"), "{said}");
    let report = fs::read(sandbox.path("work/out/report.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(report["outcome"], "skipped");
}

#[test]
fn a_part_that_is_skipped_is_warned_of_and_fails_only_where_that_is_asked_for() {
    let sandbox = sandbox();
    sandbox.write("image", [7]);
    let again = LAB.split("[[scenario]]").nth(1).unwrap();
    let again = again.replace("\"send\"", "\"again\"");
    sandbox.write("lab.toml", format!("{LAB}[[scenario]]{again}{LATER}"));
    let run = ["run", "--backend", "fake", "--out", "out"];
    let warned = stderr(&sandbox.run(run).succeeds());
    assert!(warned.contains("were skipped"), "{warned}");
    let strict = run.into_iter().chain(["--no-skip"]);
    sandbox.run(strict).ends_with(3);
}

#[test]
fn what_cannot_be_raised_ends_with_4() {
    let said = run(&mut sandbox(), "", "fail:1", 4);
    assert!(said.contains("told to fail"), "{said}");
}

#[test]
fn a_machine_that_lets_no_packets_pass_is_found_out_before_anything_runs() {
    let said = run(&mut sandbox(), "", "cut-off:to", 3);
    assert!(said.contains("nothing reaches to"), "{said}");
    assert!(!said.contains("file equal"), "{said}");
}

#[test]
fn what_cannot_be_removed_ends_with_5_and_is_named_after_the_verdict() {
    let said = run(&mut sandbox(), "", "stuck:from", 5);
    assert!(said.contains("1 of 1 file equal"), "{said}");
    assert!(said.contains("node from"), "{said}");
    assert!(said.contains("orchestrator clean"), "{said}");
}

#[test]
fn a_run_of_another_time_is_told_by_its_seed() {
    let sandbox = sandbox();
    sandbox.write("lab.toml", LAB);
    sandbox.write("image", [7]);
    let run = [
        "--format",
        "json",
        "run",
        "--backend",
        "fake",
        "--out",
        "out",
    ];
    let run = run
        .into_iter()
        .chain(["--seed", "7f3a91c2", "--repeat", "3"]);
    let report: Value = serde_json::from_str(&stdout(&sandbox.run(run).succeeds())).unwrap();
    assert_eq!(report["seed"], "7f3a91c2");
    assert_eq!(report["scenarios"][0]["cells"].as_array().unwrap().len(), 3);
}
