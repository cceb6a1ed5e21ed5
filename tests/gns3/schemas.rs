//! What the servers' own schemas say of what is exported. Of a closed project a server checks no more than
//! its outline; what its nodes are made of it checks when it opens it.

use std::process::Command;

use super::installed::Version;
use super::{sandbox, shipped};

pub(crate) fn every_shipped_topology(version: Version) {
    let sandbox = sandbox();
    let mut files = Vec::new();
    for (number, file) in shipped().iter().enumerate() {
        for switch in ["ethernet", "docker"] {
            let output = format!("{number}-{switch}.gns3");
            let words = [
                "export", "gns3", file, "--switch", switch, "--output", &output,
            ];
            sandbox.run(words).succeeds();
            files.push(sandbox.path("work").join(output));
        }
    }
    let script = match version {
        Version::Two => TWO,
        Version::Three => THREE,
    };
    let python = version.folder().join("bin/python");
    let checked = Command::new(python)
        .args(["-c", script])
        .args(&files)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{said}");
    let counted = String::from_utf8_lossy(&checked.stdout);
    assert_eq!(counted.trim(), files.len().to_string());
}

const TWO: &str = r#"
import json, sys, jsonschema
from gns3server.schemas.topology import TOPOLOGY_SCHEMA
from gns3server.schemas.docker import DOCKER_CREATE_SCHEMA
from gns3server.schemas.ethernet_switch import ETHERNET_SWITCH_CREATE_SCHEMA
schemas = {"docker": DOCKER_CREATE_SCHEMA, "ethernet_switch": ETHERNET_SWITCH_CREATE_SCHEMA}
for path in sys.argv[1:]:
    project = json.load(open(path))
    jsonschema.validate(project, TOPOLOGY_SCHEMA)
    for node in project["topology"]["nodes"]:
        body = dict(node["properties"], name=node["name"], node_id=node["node_id"])
        if node["node_type"] == "docker":
            body.update(console_type=node["console_type"], custom_adapters=node["custom_adapters"])
        jsonschema.validate(body, schemas[node["node_type"]])
print(len(sys.argv) - 1)
"#;

const THREE: &str = r#"
import json, sys
from gns3server.schemas.controller.topology import Topology
from gns3server.schemas.compute.docker_nodes import DockerCreate
from gns3server.schemas.compute.ethernet_switch_nodes import EthernetSwitchCreate
schemas = {"docker": DockerCreate, "ethernet_switch": EthernetSwitchCreate}
for path in sys.argv[1:]:
    project = json.load(open(path))
    Topology.model_validate(project)
    for node in project["topology"]["nodes"]:
        body = dict(node["properties"], name=node["name"], node_id=node["node_id"])
        if node["node_type"] == "docker":
            body.update(console_type=node["console_type"], custom_adapters=node["custom_adapters"])
        schemas[node["node_type"]].model_validate(body)
print(len(sys.argv) - 1)
"#;
