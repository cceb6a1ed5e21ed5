//! Parts of a lab that fail while it is up, and work again.

use std::fs;
use std::process::Stdio;

use e2e::patience::until;
use e2e::sandbox::{Sandbox, stderr, stdout};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::full::{BUSYBOX, PATIENCE, begin_capture, end_capture, sandbox_at_server};

/// A link that is down passes nothing, also from running nodes; up again, it passes frames.
pub(crate) fn a_link_goes_down_and_up() {
    let sandbox = with_two_nodes();
    for _ in 0..2 {
        assert!(answers(&sandbox, "a"));
        sandbox.run(["fault", "down", "a:eth0"]).succeeds();
        // Twice is once.
        let said = stderr(&sandbox.run(["fault", "down", "a:eth0"]).succeeds());
        assert!(said.contains("a:eth0 is down"), "{said}");
        assert!(!answers(&sandbox, "a"));
        // Orders do not go over the lab's network.
        sandbox.run(["exec", "a", "--", BUSYBOX, "true"]).succeeds();
        let said = stderr(&sandbox.run(["fault", "up", "a:eth0"]).succeeds());
        assert!(said.contains("a:eth0 is up"), "{said}");
    }
    assert!(answers(&sandbox, "a"));
    sandbox.run(["fault", "down", "a:eth0"]).succeeds();
    let run = ["run", "--lab", "two", "--out", "down"];
    sandbox.run(run).ends_with(1);
    let said = fs::read_to_string(sandbox.path("work/down/report.md")).unwrap();
    assert!(said.contains("a:eth0: down"), "{said}");
    sandbox.run(["fault", "up", "a:eth0"]).succeeds();
    let run = ["run", "--lab", "two", "--out", "up"];
    sandbox.run(run).succeeds();
    let nowhere = stderr(&sandbox.run(["fault", "down", "a:eth7"]).ends_with(2));
    assert!(nowhere.contains("it has: eth0"), "{nowhere}");
    ended(&sandbox);
}

/// The processes of a paused node stand still, and go on where they were.
pub(crate) fn a_node_pauses_and_goes_on() {
    let sandbox = with_two_nodes();
    let count = "i=0; while :; do i=$((i+1)); echo $i > /tmp/count; usleep 1000; done & sleep 1000";
    let mut counting = sandbox.command(["exec", "a", "--", BUSYBOX, "sh", "-c", count]);
    let counting = counting.stdout(Stdio::null()).stderr(Stdio::null());
    let mut counting = counting.spawn().unwrap();
    // It may be read while it is written anew.
    let counted = || {
        let mut count = None;
        until("a whole count is read", || {
            let cat = ["exec", "a", "--", BUSYBOX, "cat", "/tmp/count"];
            let said = sandbox.command(cat).output().unwrap().stdout;
            count = String::from_utf8(said).unwrap().trim().parse::<u64>().ok();
            count.is_some()
        });
        count.unwrap()
    };
    let before = counted();
    sandbox.run(["fault", "pause", "a"]).succeeds();
    let paused = stderr(
        &sandbox
            .run(["exec", "a", "--", BUSYBOX, "true"])
            .ends_with(4),
    );
    assert!(paused.contains("paused"), "{paused}");
    sandbox.run(["fault", "resume", "a"]).succeeds();
    let after = counted();
    assert!(after > before, "{before} {after}");
    counting.kill().unwrap();
    counting.wait().unwrap();
    ended(&sandbox);
}

/// A paused node says nothing on its console either, and has it again when it goes on.
pub(crate) fn a_paused_node_keeps_its_console() {
    let mut sandbox = with_two_nodes();
    sandbox.set("DOCKER_HOST", "unix:///nonexistent");
    sandbox.run(["fault", "pause", "a"]).succeeds();
    let ps = stdout(&sandbox.run(["ps"]).succeeds());
    assert!(ps.contains("paused"), "{ps}");
    let name = ["exec", "a", "--", BUSYBOX, "hostname"];
    let paused = stderr(&sandbox.run(name).ends_with(4));
    assert!(paused.contains("paused"), "{paused}");
    sandbox.run(["fault", "resume", "a"]).succeeds();
    assert_eq!(stdout(&sandbox.run(name).succeeds()), "a\n");
    ended(&sandbox);
}

/// A capture that a fault has ended, as on 3.0, stands in no other's way.
pub(crate) fn a_link_that_was_down_is_captured_on() {
    let sandbox = with_two_nodes();
    let mut capture = begin_capture(&sandbox, "a:eth0", "first.pcapng");
    for word in ["down", "up"] {
        sandbox.run(["fault", word, "a:eth0"]).succeeds();
    }
    let pid = Pid::from_raw(i32::try_from(capture.id()).unwrap());
    kill(pid, Signal::SIGINT).unwrap();
    capture.wait().unwrap();
    end_capture(begin_capture(&sandbox, "a:eth0", "second.pcapng"));
    ended(&sandbox);
}

fn with_two_nodes() -> Sandbox {
    let sandbox = sandbox_at_server();
    sandbox.write(
        "two.toml",
        format!(
            "name = \"two\"\nnetwork.lan.subnet = \"10.0.0.0/24\"\n\
             [node.a]\nnetworks = [\"lan\"]\n[node.b]\nnetworks = [\"lan\"]\n\
             [[scenario]]\nname = \"ping\"\nkind = \"steps\"\ncapture = \"off\"\n\
             [[scenario.step]]\nnode = \"b\"\nrun = [\"{BUSYBOX}\", \"ping\", \"-c\", \"1\", \"-W\", \"2\", \"a\"]\n"
        ),
    );
    let deploy = sandbox.run(["deploy", "two.toml"]);
    deploy.within(PATIENCE).succeeds();
    sandbox
}

/// Whether a node can be pinged from the other one.
fn answers(sandbox: &Sandbox, node: &str) -> bool {
    does(sandbox, &["b", "ping", "-c", "1", "-W", "2", node])
}

/// Whether a command succeeds in the node that the first word names.
fn does(sandbox: &Sandbox, words: &[&str]) -> bool {
    let start = ["exec", words[0], "--", BUSYBOX];
    let mut command = sandbox.command(start.iter().chain(&words[1..]));
    command.output().unwrap().status.success()
}

fn ended(sandbox: &Sandbox) {
    let down = sandbox.run(["down", "two"]);
    down.within(PATIENCE).succeeds();
}
