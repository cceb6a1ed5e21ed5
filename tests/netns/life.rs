//! A lab from `up` to `down`, and what can be done with it in between.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;

use e2e::patience::until;
use e2e::sandbox::{Who, stderr, stdout};
use serde_json::Value;

use crate::stage::{Play, Stage, processes};

pub(crate) const TRIALS: &[Play] = &[
    ("from_up_to_down", from_up_to_down),
    ("a_second_up_is_refused", a_second_up_is_refused),
    ("two_labs_side_by_side", two_labs_side_by_side),
    ("files_go_in_and_out", files_go_in_and_out),
    ("programs_are_run", programs_are_run),
    ("a_reader_that_leaves_ends_it", a_reader_that_leaves_ends_it),
    ("logs_are_kept", logs_are_kept),
    ("captures_are_written", captures_are_written),
    (
        "what_an_earlier_run_received_does_not_count",
        what_an_earlier_run_received_does_not_count,
    ),
    (
        "a_file_that_changed_since_is_told",
        a_file_that_changed_since_is_told,
    ),
    ("reports_are_rendered_again", reports_are_rendered_again),
    ("shipped_labs_pass", shipped_labs_pass),
    (
        "a_failed_lab_is_kept_where_asked",
        a_failed_lab_is_kept_where_asked,
    ),
];

/// Two nodes on the subnet that every lab here has; one has a command of its own.
const PAIR: &str = r#"
name = "pair"
[network.lan]
subnet = "10.0.0.0/24"
[node.a]
networks = ["lan"]
env = { GREETING = "hello" }
[node.b]
networks = ["lan"]
command = ["sh", "-c", "echo begun; echo again >&2; exec sleep 1000"]
[[scenario]]
name = "reach"
kind = "steps"
[[scenario.step]]
run = ["ping", "-c1", "-W5", "b"]
node = "a"
"#;

fn from_up_to_down(who: Who) {
    let stage = Stage::new(who);
    stage.sandbox.copy_project("topologies");
    let up = stage.print("up topologies/two-servers.toml --out first");
    assert!(up.contains("20 of 20 files equal byte for byte"), "{up}");
    assert!(up.contains("orchestrator down two-servers"), "{up}");
    let ps = stage.print("ps");
    for shown in [
        "two-servers · netns · 3 nodes",
        "alpine-1",
        "192.168.122.153",
        "waiting for orders",
    ] {
        assert!(ps.contains(shown), "{ps}");
    }
    let listed = stage.print("exec alpine-1 -- ls /root/received/broadcast/0");
    assert_eq!(listed, "asteroid.png\ndata.jpg\n");
    let again = stage.print("run --lab two-servers --out second");
    for shown in ["20 of 20 files equal", "raised     earlier "] {
        assert!(again.contains(shown), "{again}");
    }
    // It stays up, found by its file too.
    stage.print("ps topologies/two-servers.toml");
    let down = stderr(&stage.run("down topologies/two-servers.toml").succeeds());
    assert_eq!(down, "two-servers is down\n");
    assert_eq!(stderr(&stage.run("ps").succeeds()), "no lab is up\n");
    stage.is_as_before();
}

fn a_second_up_is_refused(who: Who) {
    let stage = Stage::with_lab(who, PAIR);
    stage.run("deploy").succeeds();
    for verb in ["up --out refused", "deploy"] {
        let said = stage.complaint(verb, 2);
        assert_eq!(
            said,
            "error: lab pair is up already; run its scenarios again with `orchestrator run --lab \
             pair`, or take it down with `orchestrator down pair`\n"
        );
    }
    assert!(!stage.sandbox.path("work/refused").exists());
    // A run of the same file is a lab of its own.
    stage.run("run --out beside").succeeds();
    stage.run("down pair").succeeds();
    stage.is_as_before();
}

fn two_labs_side_by_side(who: Who) {
    let stage = Stage::with_lab(who, PAIR);
    stage
        .sandbox
        .write("other.toml", PAIR.replace("\"pair\"", "\"other\""));
    stage.run("deploy").succeeds();
    stage.run("deploy other.toml").succeeds();
    let ambiguous = stage.complaint("exec a -- true", 2);
    assert!(ambiguous.contains("write LAB/NODE, as in"), "{ambiguous}");
    // The same address leads to another machine in each.
    stage.run("exec pair/b -- touch /tmp/here").succeeds();
    stage.run("exec other/b -- test -e /tmp/here").ends_with(1);
    stage.run("exec pair/a -- ping -c1 -W5 10.0.0.2").succeeds();
    let several = stage.complaint("capture --all --write captures", 2);
    assert!(several.contains("name one with --lab"), "{several}");
    stage.run("down pair").succeeds();
    stage.run("exec a -- ping -c1 -W5 b").succeeds();
    stage.run("down --all").succeeds();
    stage.is_as_before();
}

fn files_go_in_and_out(who: Who) {
    let stage = Stage::with_lab(who, PAIR);
    stage.run("deploy").succeeds();
    let body: Vec<u8> = (0..3_000_000_u32)
        .map(|n| n.to_le_bytes()[n as usize % 3])
        .collect();
    stage.sandbox.write("in.bin", &body);
    let work = stage.sandbox.path("work");
    let same = |name: &str| assert!(fs::read(work.join(name)).unwrap() == body, "{name} differs");
    stage.run("cp in.bin a:/root/").succeeds();
    stage.run("cp a:/root/in.bin out.bin").succeeds();
    same("out.bin");
    stage
        .run("cp a:/root/in.bin b:/tmp/passed/on.bin")
        .succeeds();
    stage.run("cp b:/tmp/passed/on.bin .").succeeds();
    same("on.bin");
    // Files of the kernel do not know how long they are.
    for path in ["/proc/self/status", "/sys/class/net/eth0/address"] {
        stage.run(&format!("cp a:{path} kernel")).succeeds();
        assert!(
            fs::metadata(work.join("kernel")).unwrap().len() > 0,
            "{path}"
        );
    }
    // Into a folder, as everywhere.
    stage.run("cp in.bin b:/tmp").succeeds();
    stage.run("cp b:/tmp/in.bin from-folder.bin").succeeds();
    same("from-folder.bin");
    for (line, why) in [
        ("cp a:/root .", "it is a folder, not a file"),
        ("cp . a:/root/", "it is a folder; name the files in it"),
    ] {
        let said = stage.complaint(line, 2);
        assert!(said.contains(why), "{line}: {said}");
    }
    let missing = stage.complaint("cp a:/root/absent .", 2);
    assert!(missing.contains("/root/absent"), "{missing}");
    assert!(!work.join("absent").exists());
    let here = stage.complaint("cp absent a:/root/", 2);
    assert!(here.contains("absent"), "{here}");
    stage.run("down pair").succeeds();
    stage.is_as_before();
}

fn programs_are_run(who: Who) {
    let stage = Stage::with_lab(who, PAIR);
    stage.run("deploy").succeeds();
    let shell = |script: &str| stage.sandbox.run(["exec", "a", "--", "sh", "-c", script]);
    let ended = shell("echo out; echo err >&2; exit 7").ends_with(7);
    assert_eq!(
        (stdout(&ended), stderr(&ended)),
        ("out\n".to_owned(), "err\n".to_owned())
    );
    assert_eq!(stdout(&shell("echo $GREETING").succeeds()), "hello\n");
    // What comes in goes out, all of it.
    let input: Vec<u8> = (0..5_000_000_u32).map(|n| n.to_le_bytes()[2]).collect();
    let ended = stage.run("exec a -- cat").given(input.clone()).succeeds();
    assert!(ended.get_output().stdout == input, "cat changed its input");
    // As shells do it: 128 and the signal's number, 127, 126.
    shell("kill -9 $$").ends_with(137);
    let absent = stage.complaint("exec a -- no-such-program", 127);
    assert!(absent.contains("no-such-program"), "{absent}");
    stage.sandbox.write("no-program", "");
    stage.run("cp no-program a:/tmp/").succeeds();
    stage.run("exec a -- /tmp/no-program").ends_with(126);
    let nobody = stage.complaint("exec c -- true", 2);
    assert!(
        nobody.contains("no lab that is up has a node `c`"),
        "{nobody}"
    );
    // What this backend cannot do yet is told as that, and names are looked up before.
    let cannot = stage.complaint("fault down a:eth0", 3);
    assert!(cannot.contains("by a later version"), "{cannot}");
    stage.run("fault pause c").ends_with(2);
    stage.run("fault pause a:eth0").ends_with(2);
    let unknown = stage.complaint("fault down a:eth7", 2);
    assert!(unknown.contains("it has: eth0"), "{unknown}");
    stage.run("down pair").succeeds();
    stage.is_as_before();
}

/// A lab that is up is run as it was raised, which is said where its file is another by now.
fn a_file_that_changed_since_is_told(who: Who) {
    let stage = Stage::with_lab(who, PAIR);
    stage.run("deploy").succeeds();
    let again = || stderr(&stage.run("run --lab pair").succeeds());
    assert!(!again().contains("has changed"));
    stage.sandbox.write("lab.toml", format!("{PAIR}# more\n"));
    let told = again();
    assert!(
        told.contains("lab.toml has changed since pair was raised"),
        "{told}"
    );
    stage.run("down pair").succeeds();
    stage.is_as_before();
}

/// A receiver that gets nothing has nothing, whatever it got before in the same lab.
fn what_an_earlier_run_received_does_not_count(who: Who) {
    let broadcast = "[[scenario]]\nname = \"send\"\nkind = \"broadcast\"\nfrom = \"a\"\nto = [\"b\"]\n\
                     files = [\"file\"]\nframing = \"datagram\"\nmodel = \"single-thread\"\n";
    let stage = Stage::with_lab(who, &format!("{PAIR}{broadcast}"));
    stage.sandbox.write("file", "something");
    stage.run("up --scenario send --out first").succeeds();
    stage.run("exec b -- ip link set eth0 down").succeeds();
    let said = stdout(
        &stage
            .run("run --lab pair --scenario send --out second")
            .ends_with(1),
    );
    assert!(said.contains("missing"), "{said}");
    stage.run("down pair").succeeds();
    stage.is_as_before();
}

/// As in `orchestrator exec a -- yes | head -1`: a program that prints without end does not go on.
fn a_reader_that_leaves_ends_it(who: Who) {
    let endless = PAIR.replace("exec sleep 1000", "exec yes");
    let stage = Stage::with_lab(who, &endless);
    stage.run("deploy").succeeds();
    for (line, code) in [("exec a -- yes", 128 + 13), ("logs b --follow", 0)] {
        let mut command = stage.sandbox.command(line.split(' '));
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut first = [0; 2];
        let mut output = child.stdout.take().unwrap();
        output.read_exact(&mut first).unwrap();
        drop(output);
        assert_eq!(child.wait().unwrap().code(), Some(code), "{line}");
    }
    until("the program to end", || processes(&["yes"]) == 1);
    stage.run("down pair").succeeds();
    stage.is_as_before();
}

fn logs_are_kept(who: Who) {
    let stage = Stage::with_lab(who, PAIR);
    stage.run("up --out out").succeeds();
    let printed = "begun\nagain\n";
    assert_eq!(stage.print("logs b"), printed);
    assert_eq!(stage.print("logs a"), "");
    let kept = fs::read_to_string(stage.sandbox.path("work/out/logs/b.log")).unwrap();
    assert_eq!(kept, printed);
    assert!(
        !stage.sandbox.path("work/out/logs/a.log").exists(),
        "it has no command"
    );
    let ps = stage.print("ps pair");
    assert!(ps.contains("its command runs as process"), "{ps}");
    stage.run("down pair").succeeds();
    stage.is_as_before();
}

fn captures_are_written(who: Who) {
    let stage = Stage::with_lab(who, PAIR);
    stage.run("up --out out").succeeds();
    let work = stage.sandbox.path("work");
    is_pcapng(&work.join("out/captures/reach/a-eth0.pcapng"));
    stage
        .run("capture a:eth0 --write one.pcapng --duration 1ms")
        .succeeds();
    is_pcapng(&work.join("one.pcapng"));
    stage
        .run("capture --all --write all --duration 1ms")
        .succeeds();
    is_pcapng(&work.join("all/a-eth0.pcapng"));
    is_pcapng(&work.join("all/b-eth0.pcapng"));
    let absent = stage.complaint("capture a:eth7 --duration 1ms", 2);
    assert!(absent.contains("eth7"), "{absent}");
    stage.run("down pair").succeeds();
    stage.is_as_before();
}

/// A section header block begins it (pcapng, section 4.1).
fn is_pcapng(path: &Path) {
    let bytes = fs::read(path).unwrap();
    assert!(
        bytes.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]),
        "{}",
        path.display()
    );
}

fn reports_are_rendered_again(who: Who) {
    let stage = Stage::with_lab(who, PAIR);
    stage.run("run --out out").succeeds();
    let out = stage.sandbox.path("work/out");
    let names = ["report.json", "report.html", "report.md", "junit.xml"];
    let read = || names.map(|name| fs::read(out.join(name)).unwrap());
    let first = read();
    for name in &names[1..] {
        fs::remove_file(out.join(name)).unwrap();
    }
    let said = stage.print("report out");
    assert!(said.contains("1 of 1 step"), "{said}");
    assert!(read() == first, "they are not the same");
    let json: Value = serde_json::from_str(&stage.print("--format json report out")).unwrap();
    assert_eq!(json["outcome"], "passed");
    // A run that failed fails again.
    stage.sandbox.write(
        "lab.toml",
        PAIR.replace("\"ping\", \"-c1\", \"-W5\", \"b\"", "\"false\""),
    );
    stage.run("run --out failed").ends_with(1);
    stage.run("report failed").ends_with(1);
    stage.is_as_before();
}

fn shipped_labs_pass(who: Who) {
    let stage = Stage::new(who);
    stage.sandbox.copy_project("topologies");
    for folder in ["topologies", "topologies/as-published"] {
        for entry in fs::read_dir(stage.sandbox.path(&format!("work/{folder}"))).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let Some(lab) = name.strip_suffix(".toml") else {
                continue;
            };
            let file = format!("{folder}/{lab}.toml");
            let text = fs::read_to_string(stage.sandbox.path("work").join(&file)).unwrap();
            // Nothing is learnt here from waiting.
            let rests = text.contains("\npause = \"2s\"\n");
            let set = if rests { " --set pause=50ms" } else { "" };
            // Nor from a hundred gigabytes: each model and operation, with the short files.
            let long = text.contains("100MiB");
            let cells = if long {
                " --cells size=10MiB,client-workers=5"
            } else {
                ""
            };
            stage.run(&format!("run {file}{set}{cells}")).succeeds();
            stage.is_as_before();
        }
    }
}

fn a_failed_lab_is_kept_where_asked(who: Who) {
    let fails = PAIR.replace("\"ping\", \"-c1\", \"-W5\", \"b\"", "\"false\"");
    let stage = Stage::with_lab(who, &fails);
    stage.run("run --out out").ends_with(1);
    stage.is_as_before();
    stage.run("run --out out --keep-on-failure").ends_with(1);
    stage.run("exec a -- true").succeeds();
    stage.run("down pair").succeeds();
    stage.is_as_before();
}
