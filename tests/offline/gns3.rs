//! Labs as GNS3 projects and back, without a server.

use std::fs;
use std::io::{Cursor, Write};

use e2e::sandbox::{Sandbox, stderr, stdout};
use serde_json::{Value, json};
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

use super::sandbox;

const LAB: &str = r#"
name = "lab"
summary = "GNS3 cannot hold all of it"

[network.lan]
subnet = "10.0.0.0/24"

[node.a]
networks = ["lan"]
env = { "GNS3_X" = "1", GOOD = "yes" }

[node.b]
memory = "64MiB"
[node.b.interface.lan0]
network = "lan"
egress = { delay = "10ms", rate = "1mbit" }
"#;

fn export(sandbox: &Sandbox, words: &[&str]) -> Value {
    let exported = sandbox
        .run(["export", "gns3"].iter().chain(words))
        .succeeds();
    serde_json::from_slice(&exported.get_output().stdout).unwrap()
}

#[test]
fn what_gns3_cannot_hold_is_warned_of() {
    let sandbox = sandbox();
    sandbox.write("lab.toml", LAB);
    let said = stderr(
        &sandbox
            .run(["export", "gns3", "--output", "lab.gns3"])
            .succeeds(),
    );
    for what in [
        "b:lan0: a rate of 1mbit cannot be held",
        "b:lan0: its directions differ",
        "b: limits of memory",
        "b: interface lan0 is called eth0",
        "a: variable GNS3_X is left out",
    ] {
        assert!(said.contains(what), "{what}:\n{said}");
    }
}

#[test]
fn a_machine_without_certificates_still_looks_for_servers_without_tls() {
    let mut sandbox = sandbox();
    sandbox.set("SSL_CERT_FILE", "/dev/null");
    sandbox.set("SSL_CERT_DIR", "/dev/null");
    let words = ["doctor", "--backend", "gns3", "--gns3-url"];
    let looked_at = |url| sandbox.run(words.iter().chain([&url])).ends_with(3);
    let plain = stdout(&looked_at("http://127.0.0.1:1"));
    assert!(plain.contains("Connection refused"), "{plain}");
    let secure = stdout(&looked_at("https://127.0.0.1:1"));
    assert!(secure.contains("certificates"), "{secure}");
}

#[test]
fn a_project_has_its_nodes_files_beside_it() {
    let sandbox = sandbox();
    sandbox.write("lab.toml", LAB);
    sandbox
        .run(["export", "gns3", "-o", "folder/lab.gns3"])
        .succeeds();
    let project = fs::read(sandbox.path("work/folder/lab.gns3")).unwrap();
    let project: Value = serde_json::from_slice(&project).unwrap();
    let node = project["topology"]["nodes"][0]["node_id"].as_str().unwrap();
    let addresses = format!("work/folder/project-files/docker/{node}/etc/network/interfaces");
    let addresses = fs::read_to_string(sandbox.path(&addresses)).unwrap();
    assert!(
        addresses.contains("\taddress 10.0.0.1\n\tnetmask 255.255.255.0\n"),
        "{addresses}"
    );
    let back = sandbox.run(["import", "folder/lab.gns3"]).succeeds();
    assert_eq!(stdout(&back), LAB);
}

#[test]
fn the_same_lab_gives_the_same_bytes_also_after_an_import() {
    let sandbox = sandbox();
    sandbox.copy_project("topologies");
    for (file, switch) in [
        ("topologies/two-servers.toml", "ethernet"),
        ("topologies/two-networks.toml", "docker"),
        ("topologies/file-server-commands.toml", "ethernet"),
    ] {
        let export = |file: &str, output: &str| {
            let words = [
                "export",
                "gns3project",
                file,
                "--switch",
                switch,
                "-o",
                output,
            ];
            sandbox.run(words).succeeds();
            fs::read(sandbox.path("work").join(output)).unwrap()
        };
        let first = export(file, "first.gns3project");
        // Beside the original, for the files that it names are found from there.
        let back = "topologies/back.toml";
        sandbox
            .run(["import", "first.gns3project", "-o", back])
            .succeeds();
        assert_eq!(export(back, "second.gns3project"), first, "{file}");
        assert_eq!(export(file, "again.gns3project"), first, "{file}");
    }
}

#[test]
fn a_project_that_was_changed_rules_over_the_text_that_it_carries() {
    let sandbox = sandbox();
    sandbox.write("lab.toml", LAB);
    let mut project = export(&sandbox, &["lab.toml"]);
    project["topology"]["nodes"][0]["name"] = json!("renamed");
    sandbox.write("changed.gns3", project.to_string());
    let imported = sandbox
        .run(["import", "changed.gns3", "-o", "back.toml"])
        .succeeds();
    assert!(
        stderr(&imported).contains("was changed since"),
        "{}",
        stderr(&imported)
    );
    let back = fs::read_to_string(sandbox.path("work/back.toml")).unwrap();
    assert!(back.contains("[node.renamed]"), "{back}");
    assert!(
        back.contains("summary = \"GNS3 cannot hold all of it\""),
        "{back}"
    );
    sandbox.run(["validate", "back.toml"]).succeeds();
}

#[test]
fn a_project_of_somebody_else_becomes_a_lab() {
    let sandbox = sandbox();
    let project = foreign();
    let id = project["topology"]["nodes"][0]["node_id"].as_str().unwrap();
    let script = format!("project-files/vpcs/{id}/startup.vpc");
    sandbox.write(
        "theirs.gns3project",
        archive(&[
            ("project.gns3", project.to_string().as_bytes()),
            (
                &script,
                b"set pcname PC1\nip 10.0.0.1 255.255.255.0 10.0.0.254\n",
            ),
        ]),
    );
    let imported = sandbox
        .run(["import", "theirs.gns3project", "-o", "lab.toml"])
        .succeeds();
    insta::assert_snapshot!("theirs-left-out", stderr(&imported));
    let lab = fs::read_to_string(sandbox.path("work/lab.toml")).unwrap();
    insta::assert_snapshot!("theirs", lab);
    sandbox.run(["validate", "lab.toml"]).succeeds();
}

#[test]
fn what_is_damaged_is_refused_with_its_reason() {
    let sandbox = sandbox();
    let mut twice = foreign();
    twice["topology"]["nodes"][1]["name"] = json!("PC1");
    let mut newer = foreign();
    newer["revision"] = json!(11);
    let mut text = foreign();
    text["revision"] = json!("9");
    let mut port = foreign();
    let link = port["topology"]["links"][0].clone();
    port["topology"]["links"].as_array_mut().unwrap().push(link);
    let mut end = foreign();
    end["topology"]["links"][0]["nodes"]
        .as_array_mut()
        .unwrap()
        .pop();
    for (project, why) in [
        (twice, "two nodes are called `pc1`"),
        (newer, "revision 11"),
        (text, "not a number"),
        (port, "has two links"),
        (end, "does not lead from one node"),
        (json!({"revision": 9}), "`type`"),
    ] {
        sandbox.write("bad.gns3", project.to_string());
        let said = stderr(&sandbox.run(["import", "bad.gns3"]).ends_with(2));
        assert!(said.contains(why), "{why}: {said}");
    }
    let project = foreign().to_string();
    for (entries, why) in [
        (vec![("project.gns3", "{")], "no JSON"),
        (
            vec![("project.gns3", &*project), ("../escape", "")],
            "leads out",
        ),
        (vec![("other", "")], "has no `project.gns3`"),
    ] {
        let entries: Vec<_> = entries
            .iter()
            .map(|(name, text)| (*name, text.as_bytes()))
            .collect();
        sandbox.write("bad.gns3project", archive(&entries));
        let said = stderr(&sandbox.run(["import", "bad.gns3project"]).ends_with(2));
        assert!(said.contains(why), "{why}: {said}");
    }
    sandbox.run(["import", "nothing.gns3"]).ends_with(2);
}

#[test]
fn what_gns3_would_drop_in_silence_is_refused() {
    let sandbox = sandbox();
    let wide: Vec<_> = (0..120)
        .map(|n| format!("[node.n{n}]\nnetworks = [\"lan\"]\n"))
        .collect();
    let wide = wide.concat();
    sandbox.write(
        "lab.toml",
        format!("name = \"wide\"\n[network.lan]\n{wide}"),
    );
    sandbox.run(["export", "gns3"]).succeeds();
    let said = stderr(
        &sandbox
            .run(["export", "gns3", "--switch", "docker"])
            .ends_with(2),
    );
    assert!(said.contains("network lan has 120 interfaces"), "{said}");
}

fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Zstd);
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// As a server of version 3 writes it: a virtual PC, containers, two switches, a hub, ways out, a router.
fn foreign() -> Value {
    let id = |n: u32| format!("00000000-0000-4000-8000-0000000000{n:02}");
    let node = |n: u32, name: &str, kind: &str, properties: Value| {
        json!({
            "compute_id": "local", "node_id": id(n), "name": name, "node_type": kind,
            "console": 5000 + n, "console_type": "telnet", "aux": null, "symbol": "x.svg",
            "x": 1, "y": -2, "z": 1, "label": {"text": name, "x": null, "y": -25, "style": null},
            "port_name_format": "Ethernet{0}", "custom_adapters": [], "properties": properties,
        })
    };
    let port = |n: u32, kind: &str, vlan: u32| json!({"name": format!("Ethernet{n}"), "port_number": n, "type": kind, "vlan": vlan, "ethertype": ""});
    let mut links = Vec::new();
    let mut link = |a: (u32, u32, u32), b: (u32, u32, u32), filters: Value, suspend: bool| {
        let end = |(n, adapter, port): (u32, u32, u32)| json!({"node_id": id(n), "adapter_number": adapter, "port_number": port});
        let number = u32::try_from(links.len()).unwrap() + 50;
        links.push(json!({
            "link_id": id(number), "nodes": [end(a), end(b)], "filters": filters, "suspend": suspend,
        }));
    };
    link(
        (1, 0, 0),
        (4, 0, 0),
        json!({"delay": [20, 5], "packet_loss": [3]}),
        false,
    );
    link(
        (2, 0, 0),
        (4, 0, 1),
        json!({"frequency_drop": [200], "bpf": ["icmp"]}),
        false,
    );
    link((4, 0, 7), (5, 0, 7), json!({}), false);
    link((3, 0, 0), (5, 0, 0), json!({}), false);
    link((2, 1, 0), (3, 1, 0), json!({"corrupt": [1]}), true);
    link((3, 2, 0), (6, 0, 0), json!({}), false);
    link((4, 0, 2), (7, 0, 0), json!({}), false);
    link((1, 0, 9), (8, 0, 0), json!({}), false);
    let trunk = json!({"ports_mapping": [port(0, "access", 10), port(1, "access", 1), port(7, "dot1q", 1)]});
    let docker = |image: &str, command: &str| {
        json!({
            "image": image, "adapters": 3, "start_command": command, "environment": "A=1\nB=${x}",
            "extra_hosts": "", "extra_volumes": ["/data"], "memory": 0, "cpus": 0,
            "console_resolution": "1024x768", "console_http_port": 80, "console_http_path": "/",
        })
    };
    json!({
        "project_id": id(99), "name": "Their Lab!", "type": "topology", "revision": 10,
        "version": "3.0.6", "auto_start": false, "scene_width": 2000, "scene_height": 1000, "zoom": 100,
        "topology": {
            "computes": [], "links": links,
            "drawings": [{"drawing_id": id(98), "x": 0, "y": 0, "z": 0,
                "svg": "<svg><text>Remember &amp; repeat</text></svg>"}],
            "nodes": [
                node(1, "PC1", "vpcs", json!({})),
                node(2, "Web_Server", "docker", docker("nginx:1", "nginx -g 'daemon off;'")),
                node(3, "client", "docker", docker("alpine", "")),
                node(4, "Switch1", "ethernet_switch", json!({"ports_mapping": [port(0, "access", 1), port(1, "access", 1), port(7, "dot1q", 1)]})),
                node(5, "Switch2", "ethernet_switch", trunk),
                node(6, "Hub1", "ethernet_hub", json!({"ports_mapping": [{"name": "Ethernet0", "port_number": 0}]})),
                node(7, "NAT1", "nat", json!({})),
                node(8, "R1", "dynamips", json!({"platform": "c7200"})),
            ],
        },
    })
}
