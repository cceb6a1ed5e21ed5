//! The appliance: version 3 checks it, and leaves out what its schema refuses.

use std::thread::panicking;
use std::time::{Duration, Instant};

use hyper::body::Bytes;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::client::Client;
use super::engine::run_in;
use super::exported::at_server;
use super::full::BUSYBOX;
use super::imported::container;
use super::installed::Version;
use super::sandbox;
use super::server::Server;

/// In the list of appliances, and as a template made of it.
pub(crate) fn listed(version: Version) {
    let (sandbox, server) = (sandbox(), Server::start(version));
    let exported = sandbox.run(["export", "gns3-appliance"]).succeeds();
    let text = &exported.get_output().stdout;
    let appliance: Value = serde_json::from_slice(text).unwrap();
    std::fs::write(server.path("appliances/orchestrator-node.gns3a"), text).unwrap();
    let (status, body) = server.get("/appliances");
    assert_eq!(status, StatusCode::OK);
    let list: Value = serde_json::from_slice(&body).unwrap();
    let found = list
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == appliance["name"]);
    let found = found.expect("the server lists it");
    let template = &appliance["docker"];
    assert_eq!(found["docker"]["image"], template["image"]);
    // Version 2 installs nothing by itself: its clients make a template of it.
    let path = format!(
        "/appliances/{}/install",
        appliance["appliance_id"].as_str().unwrap()
    );
    let made = match version {
        Version::Three => server.json(Method::POST, &path, &json!({})),
        Version::Two => server.json(Method::POST, "/templates", &template_of(&appliance)),
    };
    assert!(made.0.is_success(), "{}", made.1);
    let (_, templates) = server.get("/templates");
    let templates: Value = serde_json::from_slice(&templates).unwrap();
    let made = templates
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == appliance["name"]);
    let made = made.expect("there is a template of it");
    assert_eq!(made["image"], template["image"]);
    assert_eq!(made["start_command"], template["start_command"]);
}

/// A node of its template starts, and its agent listens.
pub(crate) fn a_node_of_it_starts() {
    let (client, sandbox) = at_server();
    let appliance = sandbox.run(["export", "gns3-appliance"]).succeeds();
    let appliance: Value = serde_json::from_slice(&appliance.get_output().stdout).unwrap();
    let (status, template) = client.json(Method::POST, "/templates", &template_of(&appliance));
    assert_eq!(status, StatusCode::CREATED, "{template}");
    let template = template["template_id"].as_str().unwrap();
    let _template = Made(&client, format!("/templates/{template}"));
    let (status, project) = client.json(Method::POST, "/projects", &json!({"name": "appliance"}));
    assert_eq!(status, StatusCode::CREATED, "{project}");
    let project = project["project_id"].as_str().unwrap();
    let _project = Made(&client, format!("/projects/{project}"));
    let place = json!({"x": 0, "y": 0, "compute_id": "local"});
    let path = format!("/projects/{project}/templates/{template}");
    let (status, made) = client.json(Method::POST, &path, &place);
    assert_eq!(status, StatusCode::CREATED, "{made}");
    client.order(&format!("/projects/{project}/nodes/start"));
    let nodes = client.list(project, "nodes");
    let container = container(nodes[0]["name"].as_str().unwrap(), project);
    let until = Instant::now() + STARTING;
    let listens = [BUSYBOX, "test", "-S", "/run/orchestrator/agent.sock"];
    while run_in(&container, &listens).0 != 0 {
        assert!(Instant::now() < until, "{container} has no agent");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What a test has made on a server, by its path. It goes with this, also where the test fails.
struct Made<'a>(&'a Client, String);

impl Drop for Made<'_> {
    fn drop(&mut self) {
        let removed = self.0.try_send(Method::DELETE, &self.1, Bytes::new());
        let is_gone = matches!(&removed, Ok((StatusCode::NO_CONTENT, _)));
        assert!(is_gone || panicking(), "{}: {removed:?}", self.1);
    }
}

/// What clients of a server make of an appliance.
fn template_of(appliance: &Value) -> Value {
    let mut body = appliance["docker"].clone();
    body["name"] = appliance["name"].clone();
    body["template_type"] = "docker".into();
    body["compute_id"] = "local".into();
    body
}

const STARTING: Duration = Duration::from_secs(10);
