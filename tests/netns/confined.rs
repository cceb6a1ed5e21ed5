//! The command where somebody else has confined it: in a user namespace, where it is root and yet not the
//! machine's, where control groups are only shown, and where process 1 reaps nothing.

use std::process::Command;

use e2e::sandbox::Who;

use crate::stage::{Play, Stage};

/// Only root can confine it.
pub(crate) const TRIALS: &[Play] = &[
    ("root_of_a_user_namespace_runs_labs", runs_labs),
    ("control_groups_are_read_only", control_groups_are_read_only),
    ("nothing_is_reaped", nothing_is_reaped),
];

fn runs_labs(who: Who) {
    let stage = Stage::with_lab(
        who,
        "name = \"two\"\n[network.lan]\n[node.a]\nnetworks = [\"lan\"]\n[node.b]\nnetworks = [\"lan\"]\n\
         [[scenario]]\nname = \"s\"\nkind = \"steps\"\n\
         [[scenario.step]]\nrun = [\"touch\", \"/etc/mine\"]\nnode = \"a\"\n",
    );
    // Its mounts are its maker's, or copies of them: in both it may not uncover what is below.
    for namespaces in [&["-Ur"][..], &["-Ur", "-m"]] {
        let said = inside(&stage, namespaces, "run --out out");
        assert!(said.contains("1 of 1 step"), "{said}");
        let said = inside(&stage, namespaces, "doctor --backend netns");
        assert!(said.contains("root, but not of the machine"), "{said}");
    }
    stage.is_as_before();
}

fn control_groups_are_read_only(who: Who) {
    let lab = "name = \"one\"\n[node.a]\nmemory = \"64MiB\"\n";
    let stage = Stage::with_lab(who, lab);
    let confined = ["-m", "sh", "-c", READ_ONLY];
    for line in ["run --out out", "doctor --backend netns"] {
        let said = inside(&stage, &confined, line);
        assert!(said.contains(" are mounted read-only"), "{said}");
        assert!(said.contains("mount -o remount,rw /"), "{said}");
        assert!(!said.contains("run as root"), "{said}");
    }
    stage.is_as_before();
}

/// A kept lab's keeper is process 1's child, and so a zombie for ever when it has ended, which counts as gone. It is the
/// only one, though a lab of `run` came and went and `doctor` has looked.
fn nothing_is_reaped(who: Who) {
    let lab = "name = \"one\"\n[node.a]\n[[scenario]]\nname = \"s\"\nkind = \"steps\"\n\
         [[scenario.step]]\nrun = [\"true\"]\nnode = \"a\"\n";
    let stage = Stage::with_lab(who, lab);
    let alone = ["--pid", "--fork", "--kill-child", "--mount-proc"];
    let confined = [&alone[..], &["sh", "-c", REAPING_NOTHING]].concat();
    let said = inside(&stage, &confined, "doctor --backend netns");
    assert!(said.contains("one is down"), "{said}");
    assert!(said.contains("nothing reaps them"), "{said}");
    assert!(said.ends_with("\nzombies: 1\n"), "{said}");
    stage.is_as_before();
    let said = stage.print("doctor --backend netns");
    assert!(said.contains("they are reaped"), "{said}");
}

/// Returns the output of the command under test there.
fn inside(stage: &Stage, namespaces: &[&str], line: &str) -> String {
    let inner = stage.sandbox.command(line.split_whitespace());
    let mut outer = Command::new("unshare");
    outer.args(namespaces);
    outer.arg(inner.get_program()).args(inner.get_args());
    outer
        .current_dir(inner.get_current_dir().unwrap())
        .env_clear();
    let set = inner.get_envs();
    outer.envs(set.filter_map(|(name, value)| Some((name, value?))));
    let ended = outer.output().unwrap();
    let [printed, complained] =
        [ended.stdout, ended.stderr].map(|text| String::from_utf8(text).unwrap());
    assert_eq!(ended.status.code(), Some(0), "{printed}{complained}");
    printed
}

/// Shows control groups read-only in a mount namespace, and starts what comes behind in there.
const READ_ONLY: &str = r#"
while read -r _ place kind _; do
    case $kind in cgroup*) mount -o remount,bind,ro "$place" || exit 9 ;; esac
done < /proc/self/mounts
exec "$0" "$@"
"#;

/// Becomes a process 1 that never waits for a child, beside the commands and what comes behind.
const REAPING_NOTHING: &str = r#"
mkfifo pipe
(
    "$0" run --out out && "$0" deploy && "$0" down one && "$0" clean && "$0" "$@" && "$0" "$@"
    echo "zombies: $(grep -ls '^State:.Z' /proc/[0-9]*/status | wc -l)"
) > pipe 2>&1 &
exec cat pipe
"#;
