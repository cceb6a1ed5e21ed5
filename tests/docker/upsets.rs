//! Every request of a raise refused, and the process killed or interrupted at every one.

use nix::sys::signal::Signal;

use crate::proxy::{Proxy, Upset};
use crate::site::Site;

/// Refused at whatever index, a raise ends with one message and leaves nothing. Where it was only the engine's
/// machine that could not be taken out of the networks, it goes on and says so.
pub(crate) fn whatever_the_engine_refuses_nothing_is_left() {
    for index in 0..requests_of_a_raise() {
        let mut site = Site::new();
        let (proxy, _) = upset(&mut site, Upset::Refused(index, "not today"));
        let ended = site.start(&["run"]).ended();
        let (said, code) = (&ended.said, ended.code);
        assert_eq!(said.matches("not today").count(), 1, "{index}: {said}");
        let is_exposed = said.contains("which it could not be taken out of: ");
        assert_eq!(
            code,
            Some(if is_exposed { 0 } else { 4 }),
            "{index}: {said}"
        );
        proxy.settled();
        site.assert_nothing_of(LAB);
    }
}

/// Ctrl-C while the engine has a request in hand.
pub(crate) fn interrupted_at_whatever_request_nothing_is_left() {
    for index in 0..requests_of_a_raise() {
        let mut site = Site::new();
        let (proxy, gate) = upset(&mut site, Upset::Held(index));
        let mut run = site.start(&["run"]);
        let held = gate.wait();
        run.signal(Signal::SIGINT);
        run.await_words("interrupted");
        held.let_go();
        let ended = run.ended();
        assert_eq!(ended.code, Some(130), "{index}: {ended:?}");
        proxy.settled();
        site.assert_nothing_of(LAB);
    }
}

/// SIGKILL while the engine has a request in hand, which it carries out when `clean` is at work.
pub(crate) fn killed_at_whatever_request_all_is_cleaned() {
    for index in 0..requests_of_a_raise() {
        let mut site = Site::new();
        let (proxy, gate) = upset(&mut site, Upset::Held(index));
        let run = site.start(&["run"]);
        let held = gate.wait();
        run.killed();
        held.let_go();
        let cleaned = site.clean(&[]).code(0);
        proxy.settled();
        let left = site.engine.of_lab(LAB);
        assert!(left.is_empty(), "{index}: {left:?} after {cleaned}");
        site.assert_nothing_of(LAB);
    }
}

/// A disk that is full is somebody's to mend.
pub(crate) fn a_full_engine_is_told_with_what_to_do() {
    let mut site = Site::new();
    let (_proxy, _) = upset(
        &mut site,
        Upset::Refused(1, "write /x: no space left on device"),
    );
    let said = site.complains(&["run"], 3);
    assert!(said.contains("docker system prune"), "{said}");
    site.assert_nothing_of(LAB);
}

/// How many requests it takes to raise the lab, of which all go well.
fn requests_of_a_raise() -> usize {
    let mut site = Site::new();
    let (proxy, _) = upset(&mut site, Upset::Nothing);
    site.sandbox.run(["run"]).succeeds();
    site.assert_nothing_of(LAB);
    let seen = proxy.seen();
    for made in [
        "/networks/create",
        "/containers/create",
        "/connect",
        "/attach",
        "/start",
    ] {
        assert!(
            seen.iter().any(|line| line.contains(made)),
            "{made}: {seen:#?}"
        );
    }
    seen.len()
}

/// A lab of two nodes, one of them on two networks, on the engine behind a proxy.
fn upset(site: &mut Site, upset: Upset) -> (Proxy, crate::proxy::Gate) {
    site.sandbox.write("lab.toml", TEXT);
    let (proxy, gate) = Proxy::start(&site.sandbox.path("tmp"), upset);
    site.sandbox.set("DOCKER_HOST", proxy.host());
    (proxy, gate)
}

const LAB: &str = "e2e-upset";
const TEXT: &str = r#"
name = "e2e-upset"
[network.lan]
subnet = "10.9.0.0/24"
[network.wan]
subnet = "10.9.1.0/24"
[node.a]
networks = ["lan"]
[node.b]
networks = ["lan", "wan"]
[[scenario]]
name = "alive"
kind = "steps"
[[scenario.step]]
run = ["/.orchestrator/node", "--version"]
node = "b"
"#;
