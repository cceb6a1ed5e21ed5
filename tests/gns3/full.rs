//! Labs on a server that can do everything, at `ORCHESTRATOR_TEST_GNS3_URL`, with this machine's Docker
//! engine behind it.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use e2e::sandbox::{Sandbox, stderr, stdout};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::client::Client;
use super::engine::{Image, containers, make_bare_image};
use super::{given, sandbox};

/// Who names the server.
pub(crate) const URL: &str = "ORCHESTRATOR_TEST_GNS3_URL";

/// Raised, run, looked into and taken down; nothing of it stays.
pub(crate) fn a_lab_lives_and_ends() {
    let sandbox = sandbox_at_server();
    let taps = taps();
    let file = "topologies/two-servers.toml";
    let up = sandbox.run(["up", file, "--out", "first"]);
    let said = stdout(&up.within(PATIENCE).succeeds());
    assert!(said.contains("20 of 20 files equal"), "{said}");
    assert_eq!(containers(&NODES).len(), 3);
    let again = stderr(&sandbox.run(["up", file]).ends_with(2));
    assert!(again.contains("is up already"), "{again}");

    let ps = stdout(&sandbox.run(["ps"]).succeeds());
    assert_eq!(ps.matches("waiting for orders").count(), 3, "{ps}");
    for from in ["alpine-1", "alpine-2", "alpine-3"] {
        for to in ["alpine-1", "alpine-2", "alpine-3"] {
            let ping = [BUSYBOX, "ping", "-c", "1", "-W", "5", to];
            let words = ["exec", from, "--"].into_iter().chain(ping);
            sandbox.run(words).succeeds();
        }
    }
    sandbox.write("note", "to be found again\n");
    sandbox
        .run(["cp", "note", "alpine-2:/root/note"])
        .succeeds();
    let cat = ["exec", "alpine-2", "--", BUSYBOX, "cat", "/root/note"];
    assert_eq!(stdout(&sandbox.run(cat).succeeds()), "to be found again\n");
    let rerun = ["run", "--lab", "two-servers", "--cells", "1"];
    sandbox.run(rerun).within(PATIENCE).succeeds();

    sandbox
        .run(["down", "two-servers"])
        .within(PATIENCE)
        .succeeds();
    assert_eq!(containers(&NODES), [""; 0]);
    assert_eq!(self::taps(), taps);
    let none = stderr(&sandbox.run(["down", "two-servers"]).ends_with(2));
    assert!(none.contains("two-servers"), "{none}");
}

/// Where no engine can be reached from here, the nodes' consoles lead to their agents.
pub(crate) fn a_lab_is_reached_over_its_consoles() {
    let mut sandbox = sandbox_at_server();
    sandbox.run(["image"]).succeeds();
    sandbox.set("DOCKER_HOST", "unix:///nonexistent");
    let file = "topologies/two-servers.toml";
    let up = sandbox.run(["up", file, "--cells", "1"]);
    let said = stdout(&up.within(PATIENCE).succeeds());
    assert!(said.contains("4 of 4 files equal"), "{said}");
    for _ in 0..2 {
        let name = ["exec", "alpine-2", "--", BUSYBOX, "hostname"];
        assert_eq!(stdout(&sandbox.run(name).succeeds()), "alpine-2\n");
    }
    let down = ["down", "two-servers"];
    sandbox.run(down).within(PATIENCE).succeeds();
    assert_eq!(containers(&NODES), [""; 0]);
}

/// A wire, an interface with a name of its own, an image without an agent, a switch of ours.
pub(crate) fn every_part_of_a_topology_is_made() {
    let mut sandbox = sandbox_at_server();
    sandbox.set("ORCHESTRATOR_GNS3_SWITCH", "docker");
    let _bare = Image::to_be_made(BARE);
    make_bare_image(BARE);
    sandbox.write(
        "parts.toml",
        format!(
            "name = \"parts\"\n\
             network.lan.subnet = \"10.0.0.0/24\"\n\
             [node.a]\nimage = \"{BARE}\"\nenv = {{ PEER = \"b\" }}\n\
             interface.lan0 = {{ network = \"lan\" }}\n\
             [node.b]\nnetworks = [\"lan\"]\n\
             [node.c]\n\
             [[link]]\nends = [\"b:eth1\", \"c:wire\"]\nsubnet = \"10.1.0.0/24\"\n"
        ),
    );
    sandbox
        .run(["deploy", "parts.toml"])
        .within(PATIENCE)
        .succeeds();
    for (from, to) in [("a", "b"), ("b", "a"), ("b", "10.1.0.2"), ("c", "10.1.0.1")] {
        let ping = [
            "exec", from, "--", BUSYBOX, "ping", "-c", "1", "-W", "5", to,
        ];
        sandbox.run(ping).succeeds();
    }
    let names = |node| {
        stdout(
            &sandbox
                .run(["exec", node, "--", BUSYBOX, "ip", "address"])
                .succeeds(),
        )
    };
    assert!(names("a").contains("lan0"), "{}", names("a"));
    assert!(names("c").contains("wire"), "{}", names("c"));
    let environment = ["exec", "a", "--", BUSYBOX, "sh", "-c", "echo $PEER"];
    assert_eq!(stdout(&sandbox.run(environment).succeeds()), "b\n");
    sandbox.run(["down", "parts"]).within(PATIENCE).succeeds();
    assert_eq!(containers(&NODES), [""; 0]);
}

/// Frames on a link, from its capture; the same one is not captured on twice.
pub(crate) fn a_links_frames_are_captured() {
    let sandbox = sandbox_at_server();
    let file = "topologies/two-servers.toml";
    sandbox.run(["deploy", file]).within(PATIENCE).succeeds();
    let capture = begin_capture(&sandbox, "alpine-1:eth0", "link.pcapng");
    let second = sandbox.run(["capture", "alpine-1:eth0", "--write", "second.pcapng"]);
    let second = stderr(&second.ends_with(4));
    assert!(
        second.contains("somebody captures there already"),
        "{second}"
    );
    sees_five_pings(&sandbox, (capture, "link.pcapng"), ("alpine-3", "alpine-1"));
    sandbox
        .run(["down", "two-servers"])
        .within(PATIENCE)
        .succeeds();
}

/// Filters come, change and go while the lab stays up.
pub(crate) fn links_are_made_bad_and_good_again() {
    let sandbox = sandbox_at_server();
    let both = "{ delay = \"${delay}\", loss = \"${loss}\" }";
    sandbox.write(
        "bad.toml",
        format!(
            "name = \"bad\"\nvars = {{ delay = \"0ms\", loss = \"0%\" }}\n\
             network.lan.subnet = \"10.0.0.0/24\"\n\
             [node.a]\ninterface.eth0 = {{ network = \"lan\", egress = {both}, ingress = {both} }}\n\
             [node.b]\nnetworks = [\"lan\"]\n\
             [[scenario]]\nname = \"ping\"\nkind = \"steps\"\ncapture = \"off\"\n\
             matrix.loss = [\"100%\", \"0%\"]\n\
             [[scenario.step]]\nnode = \"b\"\nrun = [\"{BUSYBOX}\", \"ping\", \"-c\", \"2\", \"-W\", \"2\", \"a\"]\n"
        ),
    );
    let run = sandbox.run(["run", "bad.toml", "--out", "loss"]);
    run.within(PATIENCE).ends_with(1);
    assert_eq!(outcomes(&sandbox, "loss"), ["failed", "passed"]);
    let bad = "a:eth0: loss 100 %, each way, by its GNS3 link filter";
    let said = fs::read_to_string(sandbox.path("work/loss/report.md")).unwrap();
    assert_eq!(said.matches(bad).count(), 1, "{said}");

    let slow = ["deploy", "bad.toml", "--set", "delay=100ms"];
    sandbox.run(slow).within(PATIENCE).succeeds();
    let ping = [
        "exec", "b", "--", BUSYBOX, "ping", "-c", "2", "-W", "5", "a",
    ];
    let said = stdout(&sandbox.run(ping).succeeds());
    let times = said.lines().filter_map(|line| line.split("time=").nth(1));
    let times: Vec<f64> = times
        .filter_map(|time| time.split(' ').next()?.parse().ok())
        .collect();
    assert_eq!(times.len(), 2, "{said}");
    assert!(times.iter().all(|time| *time >= 200.0), "{said}");
    sandbox.run(["down", "bad"]).within(PATIENCE).succeeds();
}

/// What a process was killed in the middle of is found by its ledger, and then by its mark.
pub(crate) fn a_killed_raise_is_cleaned() {
    let sandbox = sandbox_at_server();
    for milliseconds in [300, 800, 1500] {
        let mut up = sandbox.command(["up", "topologies/two-servers.toml"]);
        let up = up.stdout(Stdio::null());
        let mut up = up.stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        up.kill().unwrap();
        up.wait().unwrap();
        sandbox.run(["clean"]).within(PATIENCE).succeeds();
        assert_eq!(containers(&NODES), [""; 0], "after {milliseconds} ms");
        let said = stderr(&sandbox.run(["clean"]).within(PATIENCE).succeeds());
        assert!(said.contains("nothing is left"), "{said}");
    }
}

/// The outcomes of the first scenario's cells.
fn outcomes(sandbox: &Sandbox, out: &str) -> Vec<String> {
    let report = fs::read(sandbox.path("work").join(out).join("report.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    let cells = report["scenarios"][0]["cells"].as_array().unwrap().iter();
    cells
        .map(|cell| cell["outcome"].as_str().unwrap().to_owned())
        .collect()
}

/// Begins to capture on a link into a file, and waits until frames are captured.
pub(crate) fn begin_capture(sandbox: &Sandbox, port: &str, file: &str) -> Child {
    let mut capture = sandbox.command(["capture", port, "--write", file]);
    let mut capture = capture.stderr(Stdio::piped()).spawn().unwrap();
    let mut said = [0; 9];
    capture
        .stderr
        .as_mut()
        .unwrap()
        .read_exact(&mut said)
        .unwrap();
    assert_eq!(&said, b"capturing");
    capture
}

/// Ends it as a person does.
pub(crate) fn end_capture(mut capture: Child) {
    let pid = Pid::from_raw(i32::try_from(capture.id()).unwrap());
    kill(pid, Signal::SIGINT).unwrap();
    let status = capture.wait().unwrap();
    assert!(status.success(), "{status}");
}

/// Ends a capture after five pings, which must all be in its file.
pub(crate) fn sees_five_pings(
    sandbox: &Sandbox,
    (capture, file): (Child, &str),
    (from, to): (&str, &str),
) {
    let ping = [
        "exec", from, "--", BUSYBOX, "ping", "-c", "5", "-i", "0.1", to,
    ];
    sandbox.run(ping).succeeds();
    end_capture(capture);
    let frames = echoes(&sandbox.path("work").join(file));
    assert_eq!(frames, 10, "five requests and their replies");
}

/// How many ICMP frames a capture has.
fn echoes(path: &Path) -> usize {
    let file = fs::File::open(path).unwrap();
    let mut reader = pcap_file::pcapng::PcapNgReader::new(file).unwrap();
    let mut count = 0;
    while let Some(block) = reader.next_block() {
        if let pcap_file::pcapng::Block::EnhancedPacket(packet) = block.unwrap() {
            // EtherType IPv4, protocol ICMP.
            count += usize::from(packet.data.get(12..14) == Some(&[8, 0]) && packet.data[23] == 1);
        }
    }
    count
}

/// The taps of this machine that are GNS3's.
fn taps() -> Vec<String> {
    let entries = fs::read_dir("/sys/class/net").unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("tap-gns3")).collect()
}

pub(crate) fn sandbox_at_server() -> Sandbox {
    let mut sandbox = sandbox();
    sandbox.set("ORCHESTRATOR_GNS3_URL", url());
    sandbox.set("ORCHESTRATOR_BACKEND", "gns3");
    sandbox
}

/// Who asks the server himself.
pub(crate) fn client() -> Client {
    Client::of(&url()).unwrap().0
}

fn url() -> String {
    given::url(URL).unwrap()
}

pub(crate) const BUSYBOX: &str = "/gns3/bin/busybox";
const NODES: [&str; 6] = ["alpine-1", "alpine-2", "alpine-3", "a", "b", "c"];
const BARE: &str = "orchestrator-test-bare:1";
pub(crate) const PATIENCE: Duration = Duration::from_mins(3);
