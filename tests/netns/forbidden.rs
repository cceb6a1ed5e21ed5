//! A machine that does not let ordinary users make namespaces.

use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use e2e::patience::until;
use e2e::sandbox::Who;

use crate::stage::{Play, Stage};

/// Root needs no user namespaces, and only root can make one in which root forbids them to others.
pub(crate) const TRIALS: &[Play] = &[(
    "user_namespaces_are_forbidden",
    user_namespaces_are_forbidden,
)];

fn user_namespaces_are_forbidden(who: Who) {
    let stage = Stage::with_lab(who, "name = \"one\"\n[node.a]\n");
    let run = where_forbidden(&stage, "run --out out");
    let said = String::from_utf8(run.stderr).unwrap();
    assert_eq!(run.status.code(), Some(3), "{said}");
    assert!(said.contains("user.max_user_namespaces = 0"), "{said}");
    assert!(
        said.contains("sudo sysctl user.max_user_namespaces="),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
    let doctor = where_forbidden(&stage, "doctor");
    let said = String::from_utf8(doctor.stdout).unwrap();
    assert_eq!(doctor.status.code(), Some(3), "{said}");
    assert!(said.contains("user namespaces are switched off"), "{said}");
    stage.is_as_before();
}

/// Runs the command under test in a user namespace whose root has forbidden any below it.
fn where_forbidden(stage: &Stage, line: &str) -> Output {
    let inner = stage.sandbox.command(line.split_whitespace());
    let mut outer = Command::new("unshare");
    // The second shell is root of the namespace, for by then it knows who root is.
    let script = "read mapped; exec sh -c \"$FORBID\" sh \"$@\" </dev/null";
    outer.args(["--user", "sh", "-c", script, "sh"]);
    outer.arg(inner.get_program()).args(inner.get_args());
    outer
        .current_dir(inner.get_current_dir().unwrap())
        .env_clear();
    let set = inner
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    outer.envs(set).env("FORBID", FORBID);
    let streams = outer.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = streams.stderr(Stdio::piped()).spawn().unwrap();
    let folder = format!("/proc/{}", child.id());
    let namespace = |process: &str| fs::read_link(format!("{process}/ns/user")).unwrap();
    let own = namespace("/proc/self");
    until("the user namespace", || namespace(&folder) != own);
    for map in ["uid_map", "gid_map"] {
        fs::write(format!("{folder}/{map}"), "0 0 65536").unwrap();
    }
    child.stdin.take().unwrap().write_all(b"mapped\n").unwrap();
    child.wait_with_output().unwrap()
}

const FORBID: &str = "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$@\"";
