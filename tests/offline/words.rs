//! Help, version and completions.

use e2e::sandbox::stdout;

use super::sandbox;

const VERBS: [&str; 21] = [
    "up",
    "deploy",
    "run",
    "down",
    "validate",
    "schema",
    "graph",
    "ps",
    "exec",
    "shell",
    "logs",
    "cp",
    "capture",
    "fault",
    "report",
    "export",
    "import",
    "image",
    "doctor",
    "clean",
    "completions",
];

#[test]
fn help_is_as_it_was_read_last() {
    let mut sandbox = sandbox();
    sandbox.state_in_environment = false;
    insta::assert_snapshot!("help", stdout(&sandbox.run(["--help"]).succeeds()));
    for verb in VERBS {
        let help = stdout(&sandbox.run([verb, "-h"]).succeeds());
        insta::assert_snapshot!(format!("help-{verb}"), help);
    }
}

#[test]
fn every_verb_has_its_help_looked_at() {
    let help = stdout(&sandbox().run(["-h"]).succeeds());
    let commands = help.split("Commands:").nth(1).unwrap();
    let commands = commands.split("\n\n").next().unwrap();
    let listed: Vec<&str> = commands
        .lines()
        // Lines that go on are indented further.
        .filter_map(|line| line.strip_prefix("  ").filter(|l| !l.starts_with(' ')))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|verb| *verb != "help")
        .collect();
    assert_eq!(listed, VERBS);
}

#[test]
fn aliases_are_the_verbs_that_they_stand_for() {
    let sandbox = sandbox();
    let help = |verb: &str| stdout(&sandbox.run([verb, "-h"]).succeeds());
    for (verb, alias) in [
        ("run", "test"),
        ("down", "destroy"),
        ("ps", "inspect"),
        ("doctor", "check"),
    ] {
        assert_eq!(help(verb), help(alias));
    }
}

#[test]
fn the_version_is_the_package_s() {
    let version = stdout(&sandbox().run(["--version"]).succeeds());
    assert_eq!(
        version,
        format!("orchestrator {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn completions_know_every_verb() {
    for shell in ["bash", "zsh", "fish"] {
        let script = stdout(&sandbox().run(["completions", shell]).succeeds());
        for verb in VERBS {
            assert!(script.contains(verb), "{shell} does not know {verb}");
        }
    }
}

#[test]
fn a_reader_that_closes_early_is_no_failure() {
    // As `orchestrator schema | head -c 1` does it: the pipe is closed before all is written.
    let sandbox = sandbox();
    let mut command = sandbox.command(["schema"]);
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let code = child.wait().unwrap().code();
    assert_eq!(code, Some(0));
}
