//! What is exported runs on a server as it is: no call but those of whoever imports it by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Cursor;
use std::thread;
use std::time::{Duration, Instant};

use e2e::sandbox::{Sandbox, stderr, stdout};
use hyper::StatusCode;
use serde_json::Value;
use zip::{CompressionMethod, ZipArchive};

use super::client::Client;
use super::engine::run_in;
use super::full::{BUSYBOX, PATIENCE, client, sandbox_at_server};
use super::imported::{Imported, addresses, container, routes};

/// Every node has its addresses, and what the notes say can be typed.
pub(crate) fn an_imported_lab_does_what_its_notes_say() {
    let (client, sandbox) = at_server();
    let lab = Imported::of(&client, &sandbox, "topologies/two-servers.toml");
    assert_eq!(lab.list("nodes").len(), 4);
    assert_eq!(lab.list("links").len(), 3);
    let nodes = ["alpine-1", "alpine-2", "alpine-3"];
    for (node, address) in nodes.iter().zip(["5", "153", "138"]) {
        lab.await_addresses(node, &[&format!("eth0 192.168.122.{address}/24")]);
    }
    for from in nodes {
        for to in nodes {
            lab.ping(from, to);
        }
    }
    let lines = typed(&lab);
    let [first, second, (sender, send)] = &lines[..] else {
        panic!("{lines:?}");
    };
    let receiving = [first, second].map(|(node, line)| {
        let (container, line) = (lab.container(node), line.clone());
        let receiving = {
            let container = container.clone();
            thread::spawn(move || run_in(&container, &["/bin/sh", "-c", &line]))
        };
        await_listener(&container);
        receiving
    });
    let (code, said) = run_in(&lab.container(sender), &["/bin/sh", "-c", send]);
    assert_eq!(code, 0, "{}", String::from_utf8_lossy(&said));
    for receiving in receiving {
        let (code, said) = receiving.join().unwrap();
        assert_eq!(code, 0, "{}", String::from_utf8_lossy(&said));
    }
    for file in ["data.jpg", "asteroid.png"] {
        let sent = fs::read(sandbox.path("work/topologies/inputs").join(file)).unwrap();
        for (receiver, _) in [first, second] {
            let cat = [BUSYBOX, "cat", &format!("/root/received/{file}")];
            let (_, received) = run_in(&lab.container(receiver), &cat);
            assert!(received == sent, "{receiver} {file}: {}", received.len());
        }
    }
}

/// Addresses and routes of both families, forwarding, names.
pub(crate) fn an_imported_lab_routes_both_families() {
    let (client, sandbox) = at_server();
    let lab = Imported::of(&client, &sandbox, "topologies/two-networks.toml");
    await_both_networks(&lab);
    for to in ["10.2.0.11", "fd02::11", "right", "router"] {
        lab.ping("left", to);
    }
    for to in ["10.1.0.11", "fd01::11", "left"] {
        lab.ping("right", to);
    }
}

/// A lab is the same whether it is made call by call or imported.
pub(crate) fn a_raised_lab_equals_an_imported_one() {
    let (client, sandbox) = at_server();
    let file = "topologies/two-networks.toml";
    let imported = Imported::of(&client, &sandbox, file);
    await_both_networks(&imported);
    imported.ping("left", "10.2.0.11");
    imported.ping("left", "fd02::11");
    let expected = picture(&client, &imported.id);
    drop(imported);
    sandbox.run(["deploy", file]).within(PATIENCE).succeeds();
    let projects = client.projects();
    let is_ours = |project: &&Value| {
        let name = project["name"].as_str().unwrap();
        name.starts_with("two-networks")
    };
    let project = projects.iter().find(is_ours).expect("it is there");
    let raised = picture(&client, project["project_id"].as_str().unwrap());
    let down = ["down", "two-networks"];
    sandbox.run(down).within(PATIENCE).succeeds();
    assert_eq!(raised, expected);
}

/// No server exports a project that runs; stopped, it comes back to us and to the server as it was.
pub(crate) fn a_project_that_has_run_comes_back() {
    let (client, sandbox) = at_server();
    let file = "topologies/two-networks.toml";
    let first = Imported::of(&client, &sandbox, file);
    await_both_networks(&first);
    let (status, refused) = client.get(&format!("/projects/{}/export", first.id));
    let refused = String::from_utf8_lossy(&refused);
    assert_eq!(status, StatusCode::CONFLICT, "{refused}");
    assert!(refused.contains("must be stopped"), "{refused}");
    first.order("nodes/stop");
    let archive = client.export_plainly(&first.id);
    let mut entries = ZipArchive::new(Cursor::new(&archive)).unwrap();
    for number in 0..entries.len() {
        let entry = entries.by_index(number).unwrap();
        assert_eq!(entry.compression(), CompressionMethod::Deflated);
    }
    sandbox.write("back.gns3project", &archive);
    let back = sandbox.run(["import", "back.gns3project"]).succeeds();
    assert_eq!(stderr(&back), "", "everything has a counterpart");
    let original = fs::read_to_string(sandbox.path("work").join(file)).unwrap();
    assert_eq!(stdout(&back), original);
    drop(first);
    let again = Imported::start(&client, archive);
    await_both_networks(&again);
    again.ping("left", "10.2.0.11");
    again.ping("left", "fd02::11");
}

/// Imported nodes run an image that somebody must have made.
pub(crate) fn at_server() -> (Client, Sandbox) {
    let sandbox = sandbox_at_server();
    sandbox.run(["image"]).succeeds();
    (client(), sandbox)
}

/// Waits until the nodes of `topologies/two-networks.toml` have the addresses that it says.
fn await_both_networks(lab: &Imported<'_>) {
    lab.await_addresses("left", &["eth0 10.1.0.11/24", "eth0 fd01::11/64"]);
    lab.await_addresses("right", &["eth0 10.2.0.11/24", "eth0 fd02::11/64"]);
    let router = [
        "eth0 10.1.0.1/24",
        "eth0 fd01::1/64",
        "eth1 10.2.0.1/24",
        "eth1 fd02::1/64",
    ];
    lab.await_addresses("router", &router);
}

/// The lines that a note says are to be typed, each with the node in whose console.
fn typed(lab: &Imported<'_>) -> Vec<(String, String)> {
    let drawings = lab.list("drawings");
    let texts = drawings
        .iter()
        .map(|drawing| drawing["svg"].as_str().unwrap());
    let lines = texts.flat_map(str::lines);
    let of_line = |line: &str| {
        let (node, command) = line.split_once("# ")?;
        let command = command.split('<').next()?;
        let is_name = !node.is_empty() && !node.contains([' ', '<']);
        is_name.then(|| (node.to_owned(), command.to_owned()))
    };
    lines.filter_map(of_line).collect()
}

/// Waits until somebody in a container listens for datagrams.
fn await_listener(container: &str) {
    let until = Instant::now() + PATIENCE;
    loop {
        let (_, said) = run_in(container, &[BUSYBOX, "netstat", "-lun"]);
        if String::from_utf8_lossy(&said).contains("udp") {
            return;
        }
        assert!(Instant::now() < until, "nobody listens in {container}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// What there is to be seen of a lab that runs.
#[derive(Debug, PartialEq)]
struct Picture {
    /// By name: the type, and the ports' names.
    nodes: BTreeMap<String, (String, Vec<String>)>,
    /// Both ends' nodes, adapters and ports.
    links: BTreeSet<Vec<String>>,
    /// Each node's addresses and routes.
    networks: BTreeMap<String, [BTreeSet<String>; 2]>,
}

fn picture(client: &Client, project: &str) -> Picture {
    let nodes = client.list(project, "nodes");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let name = |id: &Value| {
        let node = nodes.iter().find(|node| node["node_id"] == *id);
        text(&node.unwrap()["name"])
    };
    let of_node = |node: &Value| {
        let ports = node["ports"].as_array().unwrap().iter();
        let ports = ports.map(|port| text(&port["name"])).collect();
        (text(&node["name"]), (text(&node["node_type"]), ports))
    };
    let of_link = |link: &Value| {
        let ends = link["nodes"].as_array().unwrap().iter();
        let end = |end: &Value| {
            let node = name(&end["node_id"]);
            format!("{node}:{}/{}", end["adapter_number"], end["port_number"])
        };
        let mut ends: Vec<String> = ends.map(end).collect();
        ends.sort();
        ends
    };
    let of_network = |node: &Value| {
        let name = text(&node["name"]);
        let container = container(&name, project);
        (name, [addresses(&container), routes(&container)])
    };
    let dockers = nodes.iter().filter(|node| node["node_type"] == "docker");
    Picture {
        nodes: nodes.iter().map(of_node).collect(),
        links: client.list(project, "links").iter().map(of_link).collect(),
        networks: dockers.map(of_network).collect(),
    }
}
