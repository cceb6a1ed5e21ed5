//! Each case in a process of its own, so that it runs as whom it should and cannot hang.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Trial;
use orchestrator::backend::Backend;
use orchestrator::lab::{Reaper, StateDir};

use crate::sandbox::Who;
use crate::trials::trial;

use super::{CASES, Case, Needs, Site};

/// What makes a site's backend, and what its nodes lack of a shell's programs.
#[derive(Debug, Clone, Copy)]
pub struct Maker {
    /// Makes the backend, given its state folder.
    pub backend: fn(PathBuf) -> Arc<dyn Backend>,
    /// Files that nodes need for a shell.
    pub programs: fn() -> Vec<(PathBuf, String)>,
}

/// A trial for each case.
pub fn trials(prefix: &str, who: Who, capable: &Result<(), String>) -> Vec<Trial> {
    let of = |case: &'static Case| {
        let name = format!("{prefix}::{}", case.name);
        trial(name, capable, move || {
            let mut sandbox = crate::sandbox::Sandbox::new(who, &env::current_exe().unwrap());
            sandbox.state_in_environment = false;
            let state = sandbox.path("state").display().to_string();
            let run = sandbox.run([COMMAND, case.name, &state]);
            run.within(DEADLINE).succeeds();
        })
    };
    CASES.iter().map(of).collect()
}

/// Runs the one case that the command line asks for; `None` where it asks for none.
pub fn run_alone(maker: Maker) -> Option<ExitCode> {
    let words: Vec<String> = env::args().collect();
    let [_, command, name, state] = words.as_slice() else {
        return None;
    };
    if command != COMMAND {
        return None;
    }
    let case = CASES.iter().find(|case| case.name == name)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime
        .unwrap()
        .block_on(run(case, maker, Path::new(state)));
    Some(ExitCode::SUCCESS)
}

async fn run(case: &Case, maker: Maker, state: &Path) {
    let (reaper, reaping) = Reaper::start();
    let site = Site {
        backend: (maker.backend)(state.to_owned()),
        state: StateDir::open(state.to_owned()).unwrap(),
        offers: vec![Needs::Kernel, Needs::Shell],
        programs: (maker.programs)(),
        reaper,
    };
    (case.run)(&site).await;
    drop(site);
    let failures = reaping.drain().await;
    assert!(failures.is_empty(), "{failures:?}");
}

/// A shell, `cat` and `sleep` of this machine with the libraries that they need.
pub fn programs_of_this_machine() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for program in ["/bin/sh", "/bin/cat", "/bin/sleep"] {
        files.push((PathBuf::from(program), program.to_owned()));
        let listed = Command::new("ldd").arg(program).output().unwrap();
        for line in String::from_utf8(listed.stdout).unwrap().lines() {
            let path = line.split_whitespace().find(|word| word.starts_with('/'));
            if let Some(path) = path {
                files.push((PathBuf::from(path), path.to_owned()));
            }
        }
    }
    files.sort();
    files.dedup();
    files
}

const COMMAND: &str = "run-case";
const DEADLINE: Duration = Duration::from_mins(2);
