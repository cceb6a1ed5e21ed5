//! Where a trial plays: a sandbox for the command under test, and the machine as it was before.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use e2e::host::Census;
use e2e::patience::until;
use e2e::sandbox::{Hangup, Invocation, Sandbox, Who, stderr, stdout};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A trial by its name, for whoever plays it.
pub(crate) type Play = (&'static str, fn(Who));

/// A sandbox, and the machine as it was before anything was run in it.
pub(crate) struct Stage {
    pub(crate) sandbox: Sandbox,
    before: Census,
}

impl Stage {
    pub(crate) fn new(who: Who) -> Self {
        let program = env!("CARGO_BIN_EXE_orchestrator-under-test");
        let mut sandbox = Sandbox::new(who, Path::new(program));
        // No trial here may find an engine.
        sandbox.set("DOCKER_HOST", "unix:///nonexistent/docker.sock");
        Self {
            before: Census::take(),
            sandbox,
        }
    }

    /// A stage with a topology in `lab.toml`.
    pub(crate) fn with_lab(who: Who, text: &str) -> Self {
        let stage = Self::new(who);
        stage.sandbox.write("lab.toml", text);
        stage
    }

    /// The command under test, with the words of a command line without quotes.
    pub(crate) fn run(&self, line: &str) -> Invocation {
        self.sandbox.run(line.split_whitespace())
    }

    /// What a command that succeeds prints.
    pub(crate) fn print(&self, line: &str) -> String {
        stdout(&self.run(line).succeeds())
    }

    /// What a command that ends with this code complains of.
    pub(crate) fn complaint(&self, line: &str, code: i32) -> String {
        stderr(&self.run(line).ends_with(code))
    }

    /// Starts a command, for something to happen to it.
    pub(crate) fn start(&self, line: &str) -> Child {
        self.start_where(Hangup::Ends, line)
    }

    /// The same, where SIGHUP does what `hangup` says.
    pub(crate) fn start_where(&self, hangup: Hangup, line: &str) -> Child {
        let words = line.split_whitespace();
        let mut command = self.sandbox.command_where(hangup, words);
        let streams = command.stdin(Stdio::null()).stdout(Stdio::null());
        streams.stderr(Stdio::null()).spawn().unwrap()
    }

    /// Folders of labs in the state folder.
    pub(crate) fn recorded(&self) -> usize {
        let entries = fs::read_dir(self.sandbox.path("state")).unwrap();
        // A folder that is being made has a hidden name.
        let hidden = |entry: &fs::DirEntry| entry.file_name().as_encoded_bytes().starts_with(b".");
        let folder = |entry: &fs::DirEntry| entry.file_type().unwrap().is_dir() && !hidden(entry);
        entries.flatten().filter(folder).count()
    }

    /// The folder of the only lab of this name.
    pub(crate) fn lab_folder(&self, name: &str) -> PathBuf {
        let entries = fs::read_dir(self.sandbox.path("state")).unwrap().flatten();
        let mut paths = entries.map(|entry| entry.path()).filter(|path| {
            let file = path.file_name().unwrap().to_str().unwrap();
            path.is_dir() && file.rsplit_once('-').is_some_and(|(lab, _)| lab == name)
        });
        paths.next().unwrap()
    }

    /// The identity of the only lab that is recorded.
    pub(crate) fn only_lab(&self) -> String {
        let folder = self.lab_folder("one");
        folder.file_name().unwrap().to_str().unwrap().to_owned()
    }

    /// The machine must be as it was, and no lab be recorded.
    pub(crate) fn is_as_before(&self) {
        let left: Vec<_> = fs::read_dir(self.sandbox.path("state")).unwrap().collect();
        assert!(left.is_empty(), "left in the state folder: {left:?}");
        self.before.assert_unchanged();
    }

    /// As [`Self::is_as_before`], once what the kernel does by itself is done.
    pub(crate) fn becomes_as_before(&self) {
        let same = || Census::take() == self.before;
        until("the kernel to take away what lost its owner", same);
    }
}

impl Drop for Stage {
    /// What a trial that fails leaves up must not fail those after it.
    fn drop(&mut self) {
        if std::thread::panicking() {
            for line in ["down --all", "clean"] {
                let mut command = self.sandbox.command(line.split_whitespace());
                let _ = command.output();
            }
        }
    }
}

/// How many processes have these words among the arguments that they were started with.
pub(crate) fn processes(words: &[&str]) -> usize {
    numbers(words).len()
}

/// The numbers of these processes.
pub(crate) fn numbers(words: &[&str]) -> Vec<i32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let started_so = |entry: &fs::DirEntry| {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        let given: Vec<&str> = line.trim_end_matches('\0').split('\0').collect();
        given == words
    };
    let found = entries.filter(started_so);
    found
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// Ends these processes.
pub(crate) fn end(words: &[&str]) {
    for number in numbers(words) {
        kill(Pid::from_raw(number), Signal::SIGTERM).unwrap();
    }
}
