//! Runs that are broken off: by a defect of the program, or by somebody who will not wait.

use std::fs;

use e2e::running::Running;
use e2e::sandbox::{Hangup, Invocation, Sandbox, stderr};
use nix::sys::signal::Signal;

use super::sandbox;

const LAB: &str = r#"
name = "endings"
[network.lan]
subnet = "10.0.0.0/24"
[node.a]
networks = ["lan"]
[node.b]
networks = ["lan"]
[[scenario]]
name = "only"
kind = "steps"
[[scenario.step]]
run = ["true"]
node = "a"
"#;

const RUN: [&str; 5] = ["run", "--backend", "fake", "--out", "out"];

/// The lab, and what goes wrong with it.
fn sandbox_with(fault: &str) -> Sandbox {
    let mut sandbox = sandbox();
    sandbox.write("lab.toml", LAB);
    sandbox.set("ORCHESTRATOR_FAKE_FAULTS", fault);
    sandbox
}

/// Folders of labs that are recorded.
fn recorded(sandbox: &Sandbox) -> usize {
    fs::read_dir(sandbox.path("state")).unwrap().count()
}

#[test]
fn a_lab_is_taken_away_after_a_panic() {
    let sandbox = sandbox_with("panic:b");
    let said = stderr(&sandbox.run(RUN).ends_with(4));
    for words in ["told to panic on b", "a defect of this program"] {
        assert!(said.contains(words), "{said}");
    }
    assert_eq!(recorded(&sandbox), 0);
}

#[test]
fn who_says_stop_twice_is_told_what_is_left() {
    let sandbox = sandbox_with("endless:b");
    let mut run = Running::start(sandbox.command_where(Hangup::Ends, RUN));
    run.await_words("only: 1 step");
    run.signal(Signal::SIGINT);
    run.await_words("once more: stop waiting");
    run.signal(Signal::SIGINT);
    let ended = run.ended();
    assert_eq!(ended.code, Some(5), "{ended:?}");
    assert!(ended.said.contains("run `orchestrator clean`"), "{ended:?}");
    assert_eq!(recorded(&sandbox), 1, "what `clean` goes by");
}

/// The command, with a limit on it.
fn limited(sandbox: &Sandbox, limit: &str) -> Invocation {
    let inner = sandbox.command(RUN);
    let mut outer = std::process::Command::new("sh");
    outer.args(["-c", &format!(r#"ulimit {limit} && exec "$0" "$@""#)]);
    outer.arg(inner.get_program()).args(inner.get_args());
    outer.current_dir(sandbox.path("work")).env_clear();
    let set = inner.get_envs();
    outer.envs(set.filter_map(|(name, value)| Some((name, value?))));
    Invocation::of(outer)
}

/// In blocks of 512 bytes: less than the report needs.
#[test]
fn a_limit_of_file_size_is_an_error_like_a_full_disk() {
    let sandbox = sandbox_with("");
    let said = stderr(&limited(&sandbox, "-f 1").ends_with(4));
    assert!(said.contains("File too large"), "{said}");
    assert_eq!(recorded(&sandbox), 0);
}

/// A runtime for threads needs more descriptors than these.
#[test]
fn threads_that_cannot_be_had_are_lacking() {
    let sandbox = sandbox_with("");
    let said = stderr(&limited(&sandbox, "-n 12").ends_with(3));
    assert!(said.contains("starting threads"), "{said}");
    assert!(said.contains("ulimit -n"), "{said}");
    assert_eq!(recorded(&sandbox), 0);
}
