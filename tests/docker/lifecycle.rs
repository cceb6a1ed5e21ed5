//! A lab from `up` to `down`, and everything that can be done with it in between.

use e2e::running::Running;
use std::fs;

use nix::sys::signal::Signal;

use crate::site::Site;

/// The README's first lab, by each verb in turn.
pub(crate) fn two_servers_from_up_to_down() {
    let site = Site::new();
    site.sandbox.copy_project("topologies");
    let up = site.says(&["up", "topologies/two-servers.toml", "--out", "first"]);
    assert!(up.contains("two-servers · docker · 3 nodes"), "{up}");
    assert!(up.contains("passed     20 of 20 files equal"), "{up}");
    let traces = site.engine.traces("two-servers");
    assert_eq!(traces.containers.len(), 3);
    assert_eq!(traces.networks.len(), 1);

    let again = site.complains(&["up", "topologies/two-servers.toml"], 2);
    for remedy in ["run --lab two-servers", "down two-servers"] {
        assert!(again.contains(remedy), "{again}");
    }
    let ps = site.says(&["ps"]);
    assert!(ps.contains("two-servers · docker · 3 nodes"), "{ps}");
    assert!(ps.contains("alpine-2  192.168.122.153"), "{ps}");
    assert!(ps.contains("waiting for orders"), "{ps}");

    let words = ["exec", "alpine-1", "--", NODE, "--version"];
    assert!(site.says(&words).starts_with("node "));
    site.sandbox
        .run(["exec", "alpine-1", "--", NODE, "no-such-role"])
        .ends_with(2);

    copied_in_and_out(&site);

    let mut capture = site.start(&["capture", "alpine-1:eth0", "--write", "lan.pcapng"]);
    capture.await_words("capturing");
    let again = site.says(&["run", "--lab", "two-servers", "--out", "second"]);
    assert!(again.contains("passed     20 of 20 files equal"), "{again}");
    let now = site.engine.traces("two-servers");
    assert_eq!(now.containers, traces.containers);
    broadcast_was_captured(&site, capture);
    let report = fs::read(site.sandbox.path("work/second/report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(report["backend"], "docker");
    assert_eq!(report["outcome"], "passed");

    site.sandbox.run(["down", "two-servers"]).succeeds();
    site.engine.assert_gone(&traces);
    site.assert_nothing_of("two-servers");
    let none = site.complains(&["down", "two-servers"], 2);
    assert!(none.contains("no lab `two-servers` is up"), "{none}");
}

fn copied_in_and_out(site: &Site) {
    let sent: Vec<u8> = (0..300_000u32).map(|n| (n % 251) as u8).collect();
    site.sandbox.write("sent.bin", &sent);
    site.sandbox
        .run(["cp", "sent.bin", "alpine-2:/root/there.bin"])
        .succeeds();
    site.sandbox
        .run(["cp", "alpine-2:/root/there.bin", "back.bin"])
        .succeeds();
    let back = fs::read(site.sandbox.path("work/back.bin")).unwrap();
    assert!(back == sent, "{} of {} bytes", back.len(), sent.len());
    let none = site.complains(&["cp", "alpine-2:/root/none", "none.bin"], 2);
    assert!(none.contains("/root/none"), "{none}");
    assert!(!site.sandbox.path("work/none.bin").exists());
}

/// Frames of alpine-3's to everybody are in what was captured at alpine-1.
fn broadcast_was_captured(site: &Site, capture: Running) {
    capture.signal(Signal::SIGINT);
    let ended = capture.ended();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.said.contains(" 0 dropped"), "{ended:?}");
    let frames = fs::read(site.sandbox.path("work/lan.pcapng")).unwrap();
    let section_header = [0x0a, 0x0d, 0x0d, 0x0a];
    assert!(frames.starts_with(&section_header), "it is no pcapng");
    let from_to = [&[192, 168, 122, 138][..], &[0xff; 4]].concat();
    let seen = frames.windows(from_to.len()).any(|bytes| bytes == from_to);
    assert!(seen, "no frame of alpine-3's in {} bytes", frames.len());
}

/// A node's own command: what it prints is its log.
pub(crate) fn a_command_runs_and_its_log_is_printed() {
    let site = Site::new();
    let lab = r#"
name = "e2e-logs"
[node.a]
command = ["/.orchestrator/node", "--version"]
[node.b]
command = ["/.orchestrator/node", "broadcast-receive", "--directory", "/tmp/in"]
"#;
    site.sandbox.write("lab.toml", lab);
    site.sandbox.run(["deploy"]).succeeds();
    let traces = site.engine.traces("e2e-logs");
    let log = site.says(&["logs", "a", "--follow"]);
    assert!(log.starts_with("node "), "{log}");
    let ps = site.says(&["ps"]);
    assert!(ps.contains("its command ended"), "{ps}");
    assert!(ps.contains("its command runs as process"), "{ps}");
    site.sandbox.run(["down", "--all"]).succeeds();
    site.engine.assert_gone(&traces);
    site.assert_nothing_of("e2e-logs");
}

/// The node binary in every container.
pub(crate) const NODE: &str = "/.orchestrator/node";
