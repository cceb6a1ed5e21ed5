//! Projects opened. A link to a port that does not exist is dropped then, and no server says so: hence links
//! are counted.

use std::collections::BTreeSet;
use std::fs;

use e2e::sandbox::Sandbox;
use hyper::{Method, StatusCode};
use orchestrator::gns3::container::IMAGE;
use serde_json::{Value, json};

use super::engine::Image;
use super::installed::Version;
use super::sandbox;
use super::server::Server;

/// With nodes that bridge in the switches' place, for those need a program that is not to be had here.
pub(crate) fn no_link_is_lost(version: Version) {
    let sandbox = sandbox_at_engine();
    let _image = Image::to_be_made(IMAGE);
    sandbox.run(["image"]).succeeds();
    let server = Server::start(version);
    for (file, nodes, links) in [
        ("ring.toml", 3, 3),
        ("topologies/two-networks.toml", 5, 4),
        ("topologies/sixteen-receivers.toml", 18, 17),
    ] {
        let output = "lab.gns3project";
        let words = [
            "export",
            "gns3project",
            file,
            "--switch",
            "docker",
            "--output",
            output,
        ];
        sandbox.run(words).succeeds();
        let archive = fs::read(sandbox.path("work").join(output)).unwrap();
        let project = server.import(archive, "lab");
        let (status, body) = server.json(
            Method::POST,
            &format!("/projects/{project}/open"),
            &json!({}),
        );
        assert_eq!(status, StatusCode::CREATED, "{file}: {body}");
        assert_eq!(server.list(&project, "nodes").len(), nodes, "{file}");
        assert_eq!(server.list(&project, "links").len(), links, "{file}");
        server.delete(&project);
    }
}

/// Loaded from a folder of the server's, a project keeps the identities that were given to it.
pub(crate) fn a_loaded_project_keeps_its_ids(version: Version) {
    let (sandbox, server) = (sandbox_at_engine(), Server::start(version));
    let _image = Image::to_be_made(IMAGE);
    sandbox.run(["image"]).succeeds();
    let folder = server.path("projects/ring");
    let file = folder.join("ring.gns3");
    let output = file.to_str().unwrap();
    let words = ["export", "gns3", "ring.toml", "--output", output];
    sandbox.run(words).succeeds();
    let given: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let (status, body) = server.json(Method::POST, "/projects/load", &json!({ "path": file }));
    assert_eq!(status, StatusCode::CREATED, "{body}");
    assert_eq!(body["project_id"], given["project_id"]);
    let id = body["project_id"].as_str().unwrap();
    for (kind, key) in [
        ("nodes", "node_id"),
        ("links", "link_id"),
        ("drawings", "drawing_id"),
    ] {
        let ids = |list: &[Value]| -> BTreeSet<String> {
            list.iter().map(|one| one[key].to_string()).collect()
        };
        let sent = given["topology"][kind].as_array().unwrap();
        assert_eq!(ids(&server.list(id, kind)), ids(sent), "{kind}");
    }
    server.close(id);
}

/// A sandbox that has the engine where the servers look for it, and a lab that needs no switch.
fn sandbox_at_engine() -> Sandbox {
    let mut sandbox = sandbox();
    sandbox.set("DOCKER_HOST", "unix:///var/run/docker.sock");
    sandbox.write("ring.toml", RING);
    sandbox
}

const RING: &str = r#"
name = "ring"
[node.a]
[node.b]
[node.c]
[[link]]
ends = ["a:eth0", "b:eth1"]
[[link]]
ends = ["b:eth0", "c:eth1"]
[[link]]
ends = ["c:eth0", "a:eth1"]
"#;
