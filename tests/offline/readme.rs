//! What the README says of building and testing; what it says of the command itself is run where labs
//! can be raised.

use std::fs;

use e2e::manual::commands;
use e2e::sandbox::project;

#[test]
fn building_and_testing_is_what_the_gate_does() {
    let gate = fs::read_to_string(project().join(".ci/run")).unwrap();
    let cargo: Vec<String> = commands()
        .into_iter()
        .filter(|c| c.starts_with("cargo "))
        .collect();
    let [first, test] = cargo.as_slice() else {
        panic!("the README promises two commands, not {cargo:?}");
    };
    assert!(
        gate.lines().any(|line| line == test),
        ".ci/run does not call `{test}`"
    );
    let raised = "cargo run --release --bin orchestrator -- up topologies/two-servers.toml";
    assert_eq!(
        first, raised,
        "what stands behind `--` is run by the netns tests"
    );
}
