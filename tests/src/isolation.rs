//! Namespaces for the tests themselves, so that a census sees their own traces only, and `clean`
//! cannot find anybody else's labs.
//!
//! The test program starts itself twice more: as the first process of new PID, mount and network
//! namespaces, which reaps whatever loses its parent, and below that as the program that runs the
//! tests. When it ends, the kernel ends everything in there.

use std::env;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode, ExitStatus};

use nix::mount::{MsFlags, mount};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Pid, geteuid};

use crate::capability::probe;
use crate::groups::OwnGroups;

/// What remains to be done by this process.
#[derive(Debug)]
pub enum Isolation {
    /// The tests: this process is in namespaces of its own.
    Inside,
    /// The tests, in namespaces of the machine: why no others could be had.
    Refused(String),
    /// Nothing: the tests were run below, and this came of them.
    Ended(ExitCode),
}

/// Enters namespaces of their own for the tests.
pub fn enter() -> Isolation {
    match env::var(STAGE).as_deref() {
        Ok("tests") => Isolation::Inside,
        Ok("first") => Isolation::Ended(first_process()),
        _ => from_outside(),
    }
}

fn from_outside() -> Isolation {
    let mut words = vec!["--pid", "--fork", "--kill-child", "--mount-proc", "--net"];
    if !geteuid().is_root() {
        words.extend(["--user", "--map-current-user"]);
    }
    let mut trial = words.clone();
    trial.push("true");
    if !probe("unshare", &trial) {
        return Isolation::Refused("this machine allows no new namespaces".to_owned());
    }
    let status = itself(Command::new("unshare").args(words), "first");
    Isolation::Ended(status.map_or(ExitCode::FAILURE, code))
}

/// Starts the tests and reaps until they end.
fn first_process() -> ExitCode {
    let mut groups = OwnGroups::default();
    if geteuid().is_root() {
        groups = OwnGroups::enter();
        // Labs are recorded below /run by default, and `ip netns` keeps its names there.
        let target = "/run";
        let mounted = mount(
            Some("tmpfs"),
            target,
            Some("tmpfs"),
            MsFlags::empty(),
            None::<&str>,
        );
        mounted.unwrap();
    }
    let program = env::current_exe().unwrap();
    let mut command = Command::new(program);
    command.args(env::args_os().skip(1)).env(STAGE, "tests");
    #[expect(clippy::zombie_processes, reason = "`waitpid` below waits for it too")]
    let tests = command.spawn().unwrap();
    let tests = Pid::from_raw(tests.id().cast_signed());
    let code = loop {
        match waitpid(None, None).unwrap() {
            WaitStatus::Exited(pid, status) if pid == tests => {
                break ExitCode::from(u8::try_from(status).unwrap_or(1));
            }
            WaitStatus::Signaled(pid, ..) if pid == tests => break ExitCode::FAILURE,
            _ => {}
        }
    };
    drop(groups);
    code
}

fn itself(command: &mut Command, stage: &str) -> Option<ExitStatus> {
    let program = env::current_exe().ok()?;
    let words = env::args_os().skip(1);
    command
        .arg(program)
        .args(words)
        .env(STAGE, stage)
        .status()
        .ok()
}

fn code(status: ExitStatus) -> ExitCode {
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

const STAGE: &str = "E2E_STAGE";
