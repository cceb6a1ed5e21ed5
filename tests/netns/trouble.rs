//! Programs, files and machines that are not as they should be: one clear message each, the right
//! exit code, and nothing left.

use std::fs;
use std::path::Path;
use std::process::Command;

use e2e::sandbox::{Invocation, Who, stderr, stdout};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::unistd::geteuid;

use crate::stage::{Play, Stage};

pub(crate) const TRIALS: &[Play] = &[
    ("a_program_dies", a_program_dies),
    ("a_program_hangs", a_program_hangs),
    ("a_program_floods_its_output", a_program_floods_its_output),
    (
        "a_copy_that_is_huge_is_read_no_further",
        a_copy_that_is_huge_is_read_no_further,
    ),
    ("a_command_is_not_there", a_command_is_not_there),
    (
        "a_file_goes_after_it_was_checked",
        a_file_goes_after_it_was_checked,
    ),
    (
        "a_run_of_other_files_is_not_taken_up",
        a_run_of_other_files_is_not_taken_up,
    ),
    ("the_disk_is_full", the_disk_is_full),
    ("folders_are_closed", folders_are_closed),
    ("proc_is_closed_or_gone", proc_is_closed_or_gone),
    (
        "more_nodes_than_there_is_room_for",
        more_nodes_than_there_is_room_for,
    ),
];

/// One node; what is appended goes on with it.
const ONE: &str = r#"
name = "one"
[network.lan]
subnet = "10.0.0.0/24"
[node.a]
networks = ["lan"]
"#;

/// A scenario of one step.
fn step(text: &str) -> String {
    format!("{ONE}[[scenario]]\nname = \"s\"\nkind = \"steps\"\n[[scenario.step]]\n{text}\n")
}

fn a_program_dies(who: Who) {
    let stage = Stage::with_lab(
        who,
        &step("run = [\"sh\", \"-c\", \"echo last words; kill -9 $$\"]\nnode = \"a\""),
    );
    let said = stdout(&stage.run("run --out out").ends_with(1));
    for shown in ["1 of 1 step failed", "signal 9", "last words"] {
        assert!(said.contains(shown), "no {shown:?} in\n{said}");
    }
    stage.is_as_before();
    // One that nobody waits for is told by `ps`, and what it said by `logs`.
    let command = "command = [\"sh\", \"-c\", \"echo last words; exit 3\"]\n";
    stage.sandbox.write("lab.toml", format!("{ONE}{command}"));
    stage.run("deploy").succeeds();
    assert_eq!(stage.print("logs a --follow"), "last words\n");
    let ps = stage.print("ps");
    assert!(ps.contains("its command ended: exit code 3"), "{ps}");
    let said = stdout(&stage.run("run --lab one --out out").succeeds());
    assert!(
        said.contains("the command of a failed: exit code 3"),
        "{said}"
    );
    stage.run("down one").succeeds();
    stage.is_as_before();
}

fn a_program_hangs(who: Who) {
    let hangs = "run = [\"sleep\", \"1000\"]\nnode = \"a\"\nwithin = \"100ms\"";
    let stage = Stage::with_lab(who, &step(hangs));
    let said = stdout(&stage.run("run --out out").ends_with(1));
    assert!(said.contains("did not hold within 100ms"), "{said}");
    stage.is_as_before();
}

fn a_program_floods_its_output(who: Who) {
    let floods =
        "run = [\"head\", \"-c\", \"50000000\", \"/dev/zero\"]\nnode = \"a\"\nwithin = \"1m\"";
    let command = "command = [\"yes\"]\n";
    let lab = step(floods).replace("networks", &format!("{command}networks"));
    let stage = Stage::with_lab(who, &lab);
    stage.run("run --out out").succeeds();
    // What came in a moment would fill a disk in an hour; the end of it is kept.
    let log = fs::metadata(stage.sandbox.path("work/out/logs/a.log"))
        .unwrap()
        .len();
    assert!((1_000..2_000_000).contains(&log), "{log} bytes");
    stage.is_as_before();
}

/// Files that hold nothing and say that they are longer than a disk: a copy, and an original in a node.
fn a_copy_that_is_huge_is_read_no_further(who: Who) {
    let stage = Stage::with_lab(
        who,
        "name = \"one\"\n[node.a]\n[[scenario]]\nname = \"s\"\nkind = \"steps\"\n\
         [[scenario.step]]\nrun = [\"truncate\", \"-s\", \"1T\", \"/root/huge\"]\nnode = \"a\"\n\
         [[scenario.step]]\nequal = [\"original\", \"a:/root/huge\"]\n",
    );
    stage.sandbox.write("original", "short");
    let shown = stdout(&stage.run("run --out out").ends_with(1));
    let named = "a:/root/huge is changed, first difference at byte 0: \
                 it is longer than its original: more than 65541 bytes";
    assert!(shown.contains(named), "{shown}");
    stage.is_as_before();
}

fn a_command_is_not_there(who: Who) {
    let stage = Stage::with_lab(who, &format!("{ONE}command = [\"/no/such/program\"]\n"));
    for verb in ["run --out out", "up --out out", "deploy"] {
        let said = stage.complaint(verb, 4);
        assert!(said.contains("/no/such/program"), "{said}");
        assert!(said.contains("node a"), "{said}");
        stage.is_as_before();
    }
}

fn a_file_goes_after_it_was_checked(who: Who) {
    let lab = format!("{ONE}files = [\"script:/root/script\"]\n");
    let stage = Stage::with_lab(who, &lab);
    let script = stage.sandbox.write("script", "echo");
    stage.run("validate lab.toml").succeeds();
    stage.run("deploy").succeeds();
    fs::remove_file(&script).unwrap();
    let is_missed = |line: &str| {
        let said = stage.complaint(line, 2);
        assert!(said.contains("script does not exist\n"), "{said}");
    };
    is_missed("run --lab one");
    stage.run("down one").succeeds();
    is_missed("run --out out");
    // It is there and cannot be read.
    if who == Who::Ordinary {
        let script = stage.sandbox.write("script", "echo");
        let closed = std::os::unix::fs::PermissionsExt::from_mode(0o000);
        fs::set_permissions(script, closed).unwrap();
        let said = stage.complaint("run --out out", 2);
        assert!(
            said.contains("script") && said.contains("Permission denied"),
            "{said}"
        );
    }
    stage.is_as_before();
}

fn a_run_of_other_files_is_not_taken_up(who: Who) {
    let lab = format!(
        "vars.which = \"a\"\n{ONE}files = [\"script-a:/root/script\"]\n\
         [[scenario]]\nname = \"s\"\nkind = \"steps\"\nmatrix.which = [\"a\", \"b\"]\n\
         [[scenario.step]]\nequal = [\"script-${{which}}\", \"a:/root/script\"]\n"
    );
    let stage = Stage::with_lab(who, &lab);
    stage.sandbox.write("script-a", "echo");
    stage.sandbox.write("script-b", "echo");
    stage.run("run --out out").succeeds();
    stage.run("run --out out --resume").succeeds();
    stage.sandbox.write("script-b", "date");
    let said = stage.complaint("run --out out --resume", 2);
    assert!(said.contains("script-b has changed"), "{said}");
    stage.is_as_before();
}

/// Makes a file system of 64 KiB at a folder, for as long as it lives.
struct TinyDisk<'a>(&'a Path);

impl<'a> TinyDisk<'a> {
    fn mount(folder: &'a Path) -> Self {
        let (kind, options) = (Some("tmpfs"), Some("size=64k,mode=777"));
        mount(kind, folder, kind, MsFlags::empty(), options).unwrap();
        Self(folder)
    }
}

impl Drop for TinyDisk<'_> {
    fn drop(&mut self) {
        umount2(self.0, MntFlags::empty()).unwrap();
    }
}

fn the_disk_is_full(who: Who) {
    let stage = Stage::new(who);
    stage.sandbox.copy_project("topologies");
    stage.sandbox.write("small/.keep", "");
    let folder = stage.sandbox.path("work/small");
    fs::remove_file(folder.join(".keep")).unwrap();
    if !geteuid().is_root() {
        // Who cannot mount cannot fill a disk of their own; a device that is always full stands in.
        let said = stage.complaint("run topologies/two-servers.toml --out /dev/full", 4);
        assert!(said.contains("/dev/full"), "{said}");
        return;
    }
    let disk = TinyDisk::mount(&folder);
    // The captures do not fit.
    let ended = stage
        .run("run topologies/two-servers.toml --out small")
        .ends_with(4);
    // What the reports would have said is told all the same.
    let table = stdout(&ended);
    assert!(table.contains("two-servers"), "{table}");
    assert!(!table.contains("report.html"), "{table}");
    let said = stderr(&ended);
    assert!(said.contains("the disk is full"), "{said}");
    assert!(said.contains("--out"), "{said}");
    assert_eq!(said.matches("error").count(), 1, "{said}");
    // Nothing fits.
    let filled = fs::write(folder.join("topology.toml"), vec![0; 100_000]);
    assert!(filled.is_err());
    let said = stage.complaint("run topologies/two-servers.toml --out small/new", 4);
    assert!(said.contains("the disk is full"), "{said}");
    drop(disk);
    stage.is_as_before();
}

/// As in containers without privileges, and in bare ones. A user's namespaces have both of their own.
fn proc_is_closed_or_gone(who: Who) {
    let stage = Stage::with_lab(who, ONE);
    let closed = "mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys";
    let mut troubles = vec![("mount -t tmpfs none /proc", "mount -t proc proc /proc")];
    if who == Who::Caller && geteuid().is_root() {
        troubles.push((closed, "where /proc/sys may be written"));
    }
    for (trouble, remedy) in troubles {
        let inner = stage
            .sandbox
            .command("run --backend netns --out out".split(' '));
        let mut outer = Command::new("unshare");
        if !geteuid().is_root() {
            outer.args(["--user", "--map-root-user"]);
        }
        let line = format!(r#"{trouble} && exec "$0" "$@""#);
        outer.args(["--mount", "sh", "-c", &line]);
        outer.arg(inner.get_program()).args(inner.get_args());
        outer.current_dir(stage.sandbox.path("work")).env_clear();
        let set = inner.get_envs();
        outer.envs(set.filter_map(|(name, value)| Some((name, value?))));
        let said = stderr(&Invocation::of(outer).ends_with(3));
        assert!(said.contains(remedy), "{said}");
        assert_eq!(said.matches("error: ").count(), 1, "{said}");
    }
    stage.is_as_before();
}

fn folders_are_closed(who: Who) {
    let stage = Stage::with_lab(who, ONE);
    // Nobody writes in /proc, root neither.
    let out = stage.complaint("run --out /proc/out", 4);
    assert!(
        out.contains("/proc/out") && out.contains("with --out"),
        "{out}"
    );
    let state = stage.complaint("run --out out --state-dir /proc/state", 4);
    assert!(state.contains("/proc/state"), "{state}");
    if who == Who::Ordinary {
        let state = stage.complaint("run --out out --state-dir /root/state", 4);
        assert!(state.contains("/root/state"), "{state}");
        let state = stage.complaint("run --out out --state-dir /", 4);
        assert!(state.contains("belongs to user"), "{state}");
    }
    stage.is_as_before();
}

/// The command under test, started by another program.
fn through(stage: &Stage, program: &str, words: &[&str], line: &str) -> Invocation {
    let inner = stage.sandbox.command(line.split_whitespace());
    let mut command = Command::new(program);
    command
        .args(words)
        .arg(inner.get_program())
        .args(inner.get_args());
    command
        .current_dir(inner.get_current_dir().unwrap())
        .env_clear();
    let set = inner
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    command.envs(set);
    Invocation::of(command)
}

fn more_nodes_than_there_is_room_for(who: Who) {
    let stage = Stage::with_lab(who, &format!("{ONE}count = 200\n"));
    let few = ["--nofile=100:100", "--"];
    let ended = through(&stage, "prlimit", &few, "run --out out").ends_with(3);
    let said = stderr(&ended);
    assert!(said.contains("200 nodes need about"), "{said}");
    assert!(said.contains("ulimit -Hn"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    stage.is_as_before();
}
