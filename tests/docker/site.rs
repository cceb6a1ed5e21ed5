//! What a test has at hand: a sandbox for the command, and the engine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use assert_cmd::assert::Assert;
use e2e::running::Running;
use e2e::sandbox::{Hangup, Sandbox, Who, stderr, stdout};

use crate::engine::Engine;

/// The command's sandbox, and the engine that it uses.
pub(crate) struct Site {
    /// Where the command runs.
    pub(crate) sandbox: Sandbox,
    /// The engine.
    pub(crate) engine: Engine,
}

impl Site {
    /// A new one. Labs are raised on the engine that the caller's `DOCKER_HOST` names.
    pub(crate) fn new() -> Self {
        Self::of(Who::Caller)
    }

    /// The same for somebody.
    pub(crate) fn of(who: Who) -> Self {
        let mut sandbox = Sandbox::new(who, Path::new(ORCHESTRATOR));
        sandbox.set("ORCHESTRATOR_BACKEND", "docker");
        if let Some(host) = std::env::var_os("DOCKER_HOST") {
            sandbox.set("DOCKER_HOST", host);
        }
        let engine = Engine::connect(&sandbox.path("state"));
        Self { sandbox, engine }
    }

    /// Runs the command, which must succeed, and returns what it said on standard output.
    pub(crate) fn says(&self, words: &[&str]) -> String {
        stdout(&self.sandbox.run(words).succeeds())
    }

    /// Runs the command, which must end with `code`, and returns what it said on standard error.
    pub(crate) fn complains(&self, words: &[&str], code: i32) -> String {
        stderr(&self.sandbox.run(words).ends_with(code))
    }

    /// Starts the command, to be watched.
    pub(crate) fn start(&self, words: &[&str]) -> Running {
        Running::start(self.sandbox.command_where(Hangup::Ends, words))
    }

    /// Identities of the labs that are recorded.
    pub(crate) fn recorded(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.sandbox.path("state")).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.is_dir()).collect()
    }

    /// The container of a node.
    pub(crate) fn container(&self, lab: &str, node: &str) -> String {
        let all = self.engine.of_lab(lab);
        let of_node = |named: &String| {
            let name = named.strip_prefix("container ")?;
            name.ends_with(&format!("-{node}")).then(|| name.to_owned())
        };
        all.iter().find_map(of_node).unwrap()
    }

    /// Fails if the engine has anything of a lab of this name, or the state folder anything of any.
    pub(crate) fn assert_nothing_of(&self, lab: &str) {
        self.engine.assert_nothing_of(lab);
        let recorded = self.recorded();
        assert!(recorded.is_empty(), "{recorded:?}");
    }

    /// Runs `clean` where it sees the engine, but no process and no control group of this machine:
    /// labs on namespaces that other tests have up at this time are none of its business.
    pub(crate) fn clean(&self, flags: &[&str]) -> Assert {
        let inner = self.sandbox.command(["clean"]);
        let mut outer = Command::new("unshare");
        outer.args(["--pid", "--fork", "--kill-child", "--mount-proc"]);
        outer.args(["sh", "-c", WITHOUT_CONTROL_GROUPS]);
        outer
            .arg(inner.get_program())
            .args(inner.get_args())
            .args(flags);
        outer.current_dir(self.sandbox.path("work")).env_clear();
        let set = inner.get_envs();
        outer.envs(set.filter_map(|(name, value)| Some((name, value?))));
        assert_cmd::Command::from_std(outer)
            .timeout(PATIENCE)
            .assert()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // What a test that failed has left up; the others have taken theirs down.
        if std::thread::panicking() {
            let down = self.sandbox.command(["down", "--all"]).output();
            drop(down);
        }
    }
}

/// The command under test.
const ORCHESTRATOR: &str = env!("CARGO_BIN_EXE_orchestrator-under-test");

/// In a mount namespace of its own.
const WITHOUT_CONTROL_GROUPS: &str = r#"umount -R -l /sys/fs/cgroup && exec "$0" "$@""#;
const PATIENCE: std::time::Duration = std::time::Duration::from_mins(1);
