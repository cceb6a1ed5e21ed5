//! One invocation of a command after the other, in a folder of its own.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use assert_cmd::assert::Assert;
use tempfile::TempDir;

use crate::capability::NOBODY;

/// Who runs the commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Who runs the tests.
    Caller,
    /// An ordinary user: `nobody` where the tests are run by root, else who runs them.
    Ordinary,
}

/// What SIGHUP does to a program that does not handle it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hangup {
    /// It ends it, as usual.
    Ends,
    /// Nothing.
    IsIgnored,
}

/// A folder with a working directory, a state directory and the command under test. All is gone when
/// it is dropped, labs that are up excepted: tests take theirs down.
#[derive(Debug)]
pub struct Sandbox {
    dir: TempDir,
    who: Who,
    program: PathBuf,
    environment: Vec<(OsString, OsString)>,
    /// Whether commands are told of the state directory by their environment.
    pub state_in_environment: bool,
}

/// A command about to be run.
#[derive(Debug)]
pub struct Invocation {
    command: Command,
    input: Vec<u8>,
    deadline: Duration,
}

impl Sandbox {
    /// A new one, for the program at `program`.
    pub fn new(who: Who, program: &Path) -> Self {
        let dir = tempfile::Builder::new().prefix("e2e-").tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let mut own = dir.path().join("bin");
        fs::create_dir(&own).unwrap();
        // Help and usage say how the program was called.
        own.push("orchestrator");
        if who.is_nobody() {
            // Root's folders are closed to others, so the program is copied out of there.
            fs::copy(program, &own).unwrap();
        } else {
            symlink(program, &own).unwrap();
        }
        for name in ["work", "state", "tmp"] {
            let folder = dir.path().join(name);
            fs::create_dir(&folder).unwrap();
            who.give(&folder);
        }
        Self {
            dir,
            who,
            program: own,
            environment: Vec::new(),
            state_in_environment: true,
        }
    }

    /// A path in the sandbox: `work/…` is where commands run.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file, with its folders, into the working directory.
    pub fn write(&self, name: &str, body: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path("work").join(name);
        let mut folder = path.clone();
        while folder.pop() && !folder.exists() {}
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, body).unwrap();
        for part in path.ancestors().take_while(|part| **part != folder) {
            self.who.give(part);
        }
        path
    }

    /// Copies a folder of the project into the working directory.
    pub fn copy_project(&self, name: &str) {
        copy(&project().join(name), name, self);
    }

    /// Sets a variable for all later commands.
    pub fn set(&mut self, name: &str, value: impl AsRef<OsStr>) {
        let value = value.as_ref().to_owned();
        self.environment.push((name.into(), value));
    }

    /// The program under test with these arguments, to be started by other means, where SIGHUP does
    /// what `hangup` says, whatever became of it where the tests were started: `nohup` turns it off.
    pub fn command_where<S: AsRef<OsStr>>(
        &self,
        hangup: Hangup,
        words: impl IntoIterator<Item = S>,
    ) -> Command {
        let inner = self.command(words);
        let mut outer = Command::new("env");
        outer.arg(match hangup {
            Hangup::Ends => "--default-signal=HUP",
            Hangup::IsIgnored => "--ignore-signal=HUP",
        });
        outer.arg(inner.get_program()).args(inner.get_args());
        outer.current_dir(self.path("work")).env_clear();
        let set = inner.get_envs();
        outer.envs(set.filter_map(|(name, value)| Some((name, value?))));
        outer
    }

    /// The program under test with these arguments.
    pub fn run<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Invocation {
        Invocation::of(self.command(words))
    }

    /// The same, to be started by other means.
    pub fn command<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Command {
        let mut command = if self.who.is_nobody() {
            let mut command = Command::new("setpriv");
            command.arg(format!("--reuid={NOBODY}"));
            command.arg(format!("--regid={NOBODY}"));
            command.args(["--clear-groups", "--inh-caps=-all", "--"]);
            command.arg(&self.program);
            command
        } else {
            Command::new(&self.program)
        };
        command
            .args(words)
            .current_dir(self.path("work"))
            .env_clear()
            .env("PATH", PATH)
            .env("HOME", self.path("work"))
            .env("TMPDIR", self.path("tmp"))
            .env("COLUMNS", "100")
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        if self.state_in_environment {
            command.env("ORCHESTRATOR_STATE_DIR", self.path("state"));
        }
        command
    }
}

impl Invocation {
    /// One of a command that was put together elsewhere.
    pub fn of(command: Command) -> Self {
        Self {
            command,
            input: Vec::new(),
            deadline: DEADLINE,
        }
    }

    /// Gives it something to read on its standard input.
    #[must_use]
    pub fn given(self, input: Vec<u8>) -> Self {
        Self { input, ..self }
    }

    /// Lets it run for so long, then kills it, which fails the test.
    #[must_use]
    pub fn within(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// Runs it; both its outputs are shown where it does not end with this code.
    pub fn ends_with(self, code: i32) -> Assert {
        let mut command = assert_cmd::Command::from_std(self.command);
        command.write_stdin(self.input).timeout(self.deadline);
        command.assert().code(code)
    }

    /// Runs it; it must end with 0.
    pub fn succeeds(self) -> Assert {
        self.ends_with(0)
    }
}

impl Who {
    fn is_nobody(self) -> bool {
        self == Self::Ordinary && nix::unistd::geteuid().is_root()
    }

    fn give(self, path: &Path) {
        if self.is_nobody() {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
}

/// Standard output of a command that ended as it should.
pub fn stdout(assert: &Assert) -> String {
    String::from_utf8_lossy(&assert.get_output().stdout).into_owned()
}

/// Standard error of a command that ended as it should.
pub fn stderr(assert: &Assert) -> String {
    String::from_utf8_lossy(&assert.get_output().stderr).into_owned()
}

/// The project's root.
pub fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn copy(from: &Path, name: &str, sandbox: &Sandbox) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{name}/{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &name, sandbox);
        } else {
            sandbox.write(&name, fs::read(entry.path()).unwrap());
        }
    }
}

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const DEADLINE: Duration = Duration::from_mins(1);
