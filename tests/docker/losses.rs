//! Containers of a lab that others have removed or stopped: the rest of the lab is there as before.

use e2e::sandbox::{stderr, stdout};

use crate::lifecycle::NODE;
use crate::site::Site;

/// Of three nodes one is removed and one is stopped from outside.
pub(crate) fn the_nodes_that_live_can_be_reached() {
    let site = Site::new();
    site.sandbox.write("lab.toml", TEXT);
    site.sandbox.run(["deploy"]).succeeds();
    let traces = site.engine.traces(LAB);
    let networks = &traces.networks;
    assert_eq!((traces.containers.len(), networks.len()), (3, 1));
    site.engine
        .remove_container(&site.container(LAB, "removed"));
    site.engine.kill_container(&site.container(LAB, "stopped"));

    let lives = site.says(&["exec", "lives", "--", NODE, "--version"]);
    assert!(lives.starts_with("node "), "{lives}");
    for (node, why) in [
        ("removed", "its container is gone"),
        ("stopped", "its container does not run"),
    ] {
        let said = site.complains(&["exec", node, "--", NODE, "--version"], 4);
        assert!(said.contains(why), "{said}");
    }
    each_is_listed_as_it_is(&site);
    a_scenario_needs_its_own_nodes(&site);

    let words = ["capture", "--all", "--write", "seen", "--duration", "10ms"];
    let said = site.complains(&words, 4);
    // What the kernels themselves say on a network may come at any time.
    let of_the_living = said.lines().find(|line| line.starts_with("lives:eth0: "));
    assert!(
        of_the_living.is_some_and(|line| line.ends_with(", 0 dropped")),
        "{said}"
    );
    assert_eq!(said.matches("error: ").count(), 2, "{said}");

    site.sandbox.run(["down", LAB]).succeeds();
    site.engine.assert_gone(&traces);
    site.assert_nothing_of(LAB);
}

fn each_is_listed_as_it_is(site: &Site) {
    let ps = site.says(&["ps"]);
    let line = |node: &str| ps.lines().find(|line| line.contains(node)).unwrap();
    assert!(line("  lives").contains("waiting for orders"), "{ps}");
    assert!(line("  removed").contains("its container is gone"), "{ps}");
    assert!(line("  stopped").contains("does not run"), "{ps}");
}

fn a_scenario_needs_its_own_nodes(site: &Site) {
    let run = |scenario, code| {
        let words = ["run", "--lab", LAB, "--scenario", scenario];
        site.sandbox.run(words).ends_with(code)
    };
    let passed = run("on-the-living", 0);
    let said = stderr(&passed);
    for node in ["removed", "stopped"] {
        let told = format!("warning: node {node} does not answer");
        assert!(said.contains(&told), "{said}");
    }
    let errs = stdout(&run("on-the-removed", 4));
    assert!(errs.contains("node removed does not answer"), "{errs}");
}

const LAB: &str = "e2e-losses";
const TEXT: &str = r#"
name = "e2e-losses"
[network.lan]
subnet = "10.9.0.0/24"
[node.lives]
networks = ["lan"]
[node.removed]
networks = ["lan"]
[node.stopped]
networks = ["lan"]
[[scenario]]
name = "on-the-living"
kind = "steps"
[[scenario.step]]
run = ["/.orchestrator/node", "--version"]
node = "lives"
[[scenario]]
name = "on-the-removed"
kind = "steps"
[[scenario.step]]
run = ["/.orchestrator/node", "--version"]
node = "removed"
"#;
