//! That a lab runs the program without letting its nodes change it, and also when its file is gone.

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use orchestrator::plan::Plan;
use protocol::control::{Command, Program};
use protocol::settings::Sandbox;
use tempfile::TempDir;

use crate::support::{NODE, Raised, command, plan, run};
use crate::user::as_ordinary_user;

/// Everything that a node's root can try on the file of a process that runs the program: change its mode and its length, before and after it has
/// tried to make the mount writable, by the old call and the new one, and to get a copy of the mount.
const TRIES: &str = r#"
import ctypes, os, struct
libc = ctypes.CDLL(None, use_errno=True)
exe = b"/proc/PID/exe"
def change(how):
    try:
        how()
        return "changed"
    except OSError as error:
        return errno_name(error.errno)
def errno_name(number):
    import errno
    return errno.errorcode[number]
def both():
    return change(lambda: os.chmod(exe, 0o777)) + " " + change(lambda: os.truncate(exe, 0))
said = [both()]
REMOUNT, BIND = 32, 4096
said.append(str(libc.mount(b"none", exe, None, REMOUNT | BIND, None)))
writable = struct.pack("QQQQ", 0, 1, 0, 0)
said.append(str(libc.syscall(442, -100, exe, 0, writable, 32)))
said.append(str(libc.syscall(428, -100, exe, 1)))
said.append(both())
print(", ".join(said))
"#;

fn copy() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("program");
    fs::copy(NODE, &copy).unwrap();
    (folder, copy)
}

/// A lab whose first node has no sandbox, and whose second has.
fn free_and_confined(name: &str) -> Plan {
    let mut plan = plan(name, 2);
    plan.nodes[0].settings.sandbox = Sandbox::Off;
    plan
}

async fn try_to_change_the_program(lab: &Raised, node: usize, process: u32) -> String {
    let tries = TRIES.replace("PID", &process.to_string());
    let script = format!("/usr/bin/python3 -c '{tries}'");
    lab.shell(node, &script).await
}

async fn a_node_cannot_change_the_program() {
    let (_folder, program) = copy();
    let lab = Raised::running(&program, free_and_confined("program")).await;
    let free = try_to_change_the_program(&lab, 0, 1).await;
    assert_eq!(free, "EROFS EROFS, -1, -1, -1, EROFS EROFS");
    // The file of a role is out of sight in a sandbox, as its memory is, and that of the agent.
    let serve = ["serve", "--directory", "/tmp/served"].map(str::to_owned);
    let role = Command {
        program: Program::Role(serve.to_vec()),
        ..command(&[])
    };
    let mut role = lab.controls[1].start(role).await.unwrap();
    // It has become the program once it says something.
    role.next().await.unwrap();
    for process in [1, role.pid()] {
        let confined = try_to_change_the_program(&lab, 1, process).await;
        assert_eq!(confined, "EACCES EACCES, -1, -1, -1, EACCES EACCES");
    }
    lab.remove().await;
    assert_eq!(fs::read(&program).unwrap(), fs::read(NODE).unwrap());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&program), mode(Path::new(NODE)));
}

async fn a_program_whose_file_is_gone_still_raises_labs() {
    let (_folder, program) = copy();
    let file = File::open(&program).unwrap();
    fs::remove_file(&program).unwrap();
    let running = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    let lab = Raised::running(&running, free_and_confined("gone")).await;
    assert_eq!(lab.shell(0, "cat /proc/1/comm").await, "node n1");
    let said = try_to_change_the_program(&lab, 0, 1).await;
    assert_eq!(said, "EROFS EROFS, -1, -1, -1, EROFS EROFS");
    lab.remove().await;
}

#[test]
fn a_node_of_root_cannot_change_the_program() {
    run(a_node_cannot_change_the_program());
}

#[test]
fn a_node_of_a_user_cannot_change_the_program() {
    as_ordinary_user("program::for_a_user_a_node_cannot_change_the_program");
}

#[test]
#[ignore = "run as an ordinary user by the test above"]
fn for_a_user_a_node_cannot_change_the_program() {
    run(a_node_cannot_change_the_program());
}

#[test]
fn a_program_of_root_whose_file_is_gone_still_raises_labs() {
    run(a_program_whose_file_is_gone_still_raises_labs());
}
