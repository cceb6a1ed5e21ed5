//! Every command that the README shows, in its order, as a reader would type it.

use e2e::manual::commands;
use e2e::sandbox::Who;

use crate::stage::{Play, Stage};

pub(crate) const TRIALS: &[Play] = &[("every_command_succeeds", every_command_succeeds)];

/// The first command builds the program; what stands behind it is the program's.
const BUILT: &str = "cargo run --release --bin orchestrator -- ";

/// What cannot be run here, and where it is: the gate runs the tests, and the Docker tests what needs
/// an engine.
const ELSEWHERE: [&str; 2] = [
    "cargo test --workspace",
    "orchestrator run topologies/two-servers.toml --backend docker",
];

fn every_command_succeeds(who: Who) {
    let stage = Stage::new(who);
    stage.sandbox.copy_project("topologies");
    let mut left_out = Vec::new();
    for command in commands() {
        let own = command
            .strip_prefix(BUILT)
            .or(command.strip_prefix("orchestrator "));
        match own {
            _ if ELSEWHERE.contains(&command.as_str()) => left_out.push(command),
            Some(words) => drop(stage.run(words).succeeds()),
            None => panic!("`{command}` is run by no test"),
        }
    }
    assert_eq!(
        left_out, ELSEWHERE,
        "the README no longer shows one of these"
    );
    stage.is_as_before();
}
