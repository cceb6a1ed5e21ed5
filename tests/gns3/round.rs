//! Topologies, there and back: exported, imported by a server, exported by it, imported by us.

use std::fs;

use e2e::sandbox::{Sandbox, stderr, stdout};
use serde_json::Value;

use super::installed::Version;
use super::server::Server;
use super::{sandbox, shipped};

pub(crate) fn every_shipped_topology(version: Version) {
    let (sandbox, server) = (sandbox(), Server::start(version));
    for file in shipped() {
        let project = there(&sandbox, &server, &file, &[]);
        let back = back(&sandbox, &server, &project);
        let original = fs::read_to_string(sandbox.path("work").join(&file)).unwrap();
        assert_eq!(back, original, "{file}");
    }
}

/// Without the text that an export carries along: the project alone says it all.
pub(crate) fn wires_and_filters(version: Version) {
    let (sandbox, server) = (sandbox(), Server::start(version));
    sandbox.write("wires.toml", WIRES);
    let project = there(&sandbox, &server, "wires.toml", &["--set", "delay=20ms"]);
    let links = server.list(&project, "links");
    let delayed = links
        .iter()
        .filter(|link| link["filters"]["delay"] == serde_json::json!([20, 0]));
    assert_eq!(delayed.count(), 1, "{links:?}");
    sandbox.write("back.toml", back(&sandbox, &server, &project));
    let export = |file: &str| -> Value {
        let words = ["export", "gns3", file, "--set", "delay=20ms"];
        let words = if file == "back.toml" {
            &words[..3]
        } else {
            &words[..]
        };
        serde_json::from_str(&stdout(&sandbox.run(words).succeeds())).unwrap()
    };
    let (first, second) = (export("wires.toml"), export("back.toml"));
    assert_eq!(first["topology"]["links"], second["topology"]["links"]);
    assert_eq!(first["topology"]["nodes"], second["topology"]["nodes"]);
}

/// Exports a file and imports it into the server, which then has exactly what was exported.
fn there(sandbox: &Sandbox, server: &Server, file: &str, more: &[&str]) -> String {
    let exported = |format: &str, output: &str| {
        let mut words = vec!["export", format, file, "--output", output];
        words.extend(more);
        sandbox.run(words).succeeds();
        fs::read(sandbox.path("work").join(output)).unwrap()
    };
    let archive = exported("gns3project", "there.gns3project");
    let said: Value = serde_json::from_slice(&exported("gns3", "there/there.gns3")).unwrap();
    let project = server.import(archive, said["name"].as_str().unwrap());
    for kind in ["nodes", "links", "drawings"] {
        let (sent, there) = (&said["topology"][kind], server.list(&project, kind));
        assert_eq!(
            sent.as_array().unwrap().len(),
            there.len(),
            "{file}: {kind}"
        );
    }
    project
}

fn back(sandbox: &Sandbox, server: &Server, project: &str) -> String {
    sandbox.write("back.gns3project", server.export(project));
    let imported = sandbox.run(["import", "back.gns3project"]).succeeds();
    let said = stderr(&imported);
    assert_eq!(said, "", "everything has a counterpart");
    stdout(&imported)
}

const WIRES: &str = r#"
name = "wires"

[vars]
delay = "1ms"

[network.west]
subnet = ["10.1.0.0/24", "fd01::/64"]

[network.east]
subnet = "10.2.0.0/24"

[node.left]
networks = ["west"]
env = { ROLE = "a client" }
command = ["node", "two words", "it's"]

[node.router]
networks = ["west", "east"]
forward = true

[node.right]
image = "python:3.12-alpine"
[node.right.interface.eth0]
network = "east"
egress = { loss = "5%" }
ingress = { loss = "5%" }

[[link]]
ends = ["left:eth1", "right:eth1"]
subnet = "10.3.0.0/30"
forward = { delay = "${delay}" }
backward = { delay = "${delay}" }
"#;
