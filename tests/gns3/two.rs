//! Labs spread over two computes, on a server at `ORCHESTRATOR_TEST_GNS3_TWO_URL` that has a second one. This
//! machine's Docker engine is behind both.

use std::collections::BTreeMap;

use e2e::sandbox::{Sandbox, stdout};
use serde_json::Value;

use super::client::Client;
use super::engine::containers;
use super::full::{BUSYBOX, PATIENCE, begin_capture, sees_five_pings};
use super::{given, sandbox};

/// Who names the server.
pub(crate) const URL: &str = "ORCHESTRATOR_TEST_GNS3_TWO_URL";

/// Nodes go where the file says, the others so that both have alike many; what they send crosses.
pub(crate) fn a_lab_is_spread_over_two_computes() {
    let (client, second, sandbox) = at_server();
    sandbox.write("spread.toml", spread(&second));
    let up = sandbox.run(["up", "spread.toml"]).within(PATIENCE);
    let said = stdout(&up.succeeds());
    assert!(said.contains("3 of 3 files equal"), "{said}");
    let placed = placed(&client);
    assert_eq!(placed["far"], second);
    assert_eq!(placed["near"], "local");
    let there = NODES.iter().filter(|node| placed[**node] == second);
    assert_eq!(there.count(), 2, "{placed:?}");
    for from in NODES {
        for to in NODES {
            let ping = [
                "exec", from, "--", BUSYBOX, "ping", "-c", "1", "-W", "5", to,
            ];
            sandbox.run(ping).succeeds();
        }
    }
    let capture = begin_capture(&sandbox, "far:eth0", "far.pcapng");
    sees_five_pings(&sandbox, (capture, "far.pcapng"), ("near", "far"));
    down(&client, &sandbox);
}

/// A console is where its node is.
pub(crate) fn a_spread_lab_is_reached_over_its_consoles() {
    let (client, second, mut sandbox) = at_server();
    sandbox.run(["image"]).succeeds();
    sandbox.set("DOCKER_HOST", "unix:///nonexistent");
    sandbox.write("spread.toml", spread(&second));
    let deploy = sandbox.run(["deploy", "spread.toml"]);
    deploy.within(PATIENCE).succeeds();
    for node in NODES {
        let name = ["exec", node, "--", BUSYBOX, "hostname"];
        assert_eq!(stdout(&sandbox.run(name).succeeds()).trim(), node);
    }
    down(&client, &sandbox);
}

fn spread(second: &str) -> String {
    format!(
        "name = \"spread\"\nnetwork.lan.subnet = \"10.0.0.0/24\"\n\
         [node.far]\ncompute = \"{second}\"\nnetworks = [\"lan\"]\n\
         [node.near]\ncompute = \"local\"\nnetworks = [\"lan\"]\n\
         [node.third]\nnetworks = [\"lan\"]\n[node.fourth]\nnetworks = [\"lan\"]\n\
         [[scenario]]\nname = \"crossing\"\nkind = \"broadcast\"\nfrom = \"near\"\n\
         to = [\"far\", \"third\", \"fourth\"]\nfiles = [\"topologies/inputs/data.jpg\"]\n"
    )
}

/// Taken down, nothing of it is left on either.
fn down(client: &Client, sandbox: &Sandbox) {
    let down = sandbox.run(["down", "spread"]);
    down.within(PATIENCE).succeeds();
    assert_eq!(containers(&NODES), [""; 0]);
    assert!(ours(client).is_none(), "{:?}", client.projects());
}

/// Which compute each node is on.
fn placed(client: &Client) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let nodes = client.list(&ours(client).expect("it is there"), "nodes");
    let nodes = nodes.iter();
    nodes
        .map(|node| (text(&node["name"]), text(&node["compute_id"])))
        .collect()
}

fn ours(client: &Client) -> Option<String> {
    let projects = client.projects();
    let mut ids = projects.iter().filter_map(|project| {
        let is_ours = project["name"].as_str()?.starts_with("spread");
        is_ours.then(|| project["project_id"].as_str())?
    });
    ids.next().map(str::to_owned)
}

/// The server, what it calls its second compute, and who asks it for labs.
fn at_server() -> (Client, String, Sandbox) {
    let url = given::url(URL).unwrap();
    let (client, _) = Client::of(&url).unwrap();
    let (_, computes) = client.get("/computes");
    let computes: Vec<Value> = serde_json::from_slice(&computes).unwrap();
    let mut ids = computes
        .iter()
        .map(|compute| compute["compute_id"].as_str().unwrap());
    let second = ids.find(|id| *id != "local" && *id != "vm");
    let second = second.expect("the server has a second compute").to_owned();
    let mut sandbox = sandbox();
    sandbox.set("ORCHESTRATOR_GNS3_URL", url);
    sandbox.set("ORCHESTRATOR_BACKEND", "gns3");
    (client, second, sandbox)
}

const NODES: [&str; 4] = ["far", "near", "third", "fourth"];
