//! The appliance: version 3 checks it, and leaves out what its schema refuses.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::installed::Version;
use super::sandbox;
use super::server::Server;

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
        Version::Two => {
            let mut body = template.clone();
            body["name"] = appliance["name"].clone();
            body["template_type"] = "docker".into();
            body["compute_id"] = "local".into();
            server.json(Method::POST, "/templates", &body)
        }
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
