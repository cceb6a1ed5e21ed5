//! The capabilities that each backend says its links have.

use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::backend::docker::DockerBackend;
use crate::backend::fake::FakeBackend;
use crate::backend::gns3::console::PendingCloses;
use crate::backend::gns3::{Gns3Backend, Options};
use crate::backend::netns::NetnsBackend;
use crate::backend::{Backend, BackendKind, Origin};
use crate::plan::link_conditions;
use crate::topology::{Found, read};

/// A lab of three nodes, the second of which has conditions.
fn links(conditions: &str) -> LinkConditions {
    let text = format!(
        r#"
name = "links"
network.lan.subnet = "10.0.0.0/24"
node.a.networks = ["lan"]
node.b.interface.eth0 = {{ network = "lan", {conditions} }}
node.c.interface.eth0 = {{ network = "lan", egress = {{ delay = "1ms" }}, ingress = {{ delay = "1ms" }} }}
"#
    );
    let topology = read("lab.toml", &text, Path::new(""), &BTreeMap::new(), &|_| {
        Found::File
    });
    link_conditions(&topology.unwrap_or_else(|wrong| panic!("{}", wrong.render(false))))
}

#[test]
fn links_of_the_kernel_lose_nothing_and_take_no_conditions() {
    let backends: [&dyn Backend; 3] = [
        &NetnsBackend::new("state".into(), "node".into()),
        &DockerBackend::at_host("unix:///nowhere", || Ok(&[])),
        &FakeBackend::default(),
    ];
    for backend in backends {
        let capabilities = backend.capabilities();
        assert_eq!(capabilities.carrier, Carrier::Kernel);
        let bad = links(r#"ingress = { loss = "5%" }"#);
        assert_eq!(
            capabilities.unsupported(&bad),
            ["impairments, here of b:eth0, are carried out by a later version"]
        );
        let keeps = backend.kind() != BackendKind::Docker;
        assert_eq!(capabilities.keeps_conditions, keeps);
        let none = capabilities.unsupported(&LinkConditions::default());
        assert_eq!(none, [""; 0]);
    }
}

#[test]
fn links_of_gns3_may_lose_frames_and_take_what_its_filters_do() {
    let folder = tempfile::tempdir().unwrap();
    let origin = Origin::here(folder.path()).unwrap();
    let backend = Gns3Backend::new(
        Options::default(),
        || Ok(&[]),
        origin,
        PendingCloses::default(),
    );
    let capabilities = backend.capabilities();
    assert_eq!(capabilities.carrier, Carrier::Program);
    let both = r#"egress = { loss = "5%" }, ingress = { loss = "5%" }"#;
    assert_eq!(capabilities.unsupported(&links(both)), [""; 0]);
    let differs = capabilities.unsupported(&links(r#"egress = { loss = "5%" }"#));
    let [rounded, halved] = differs.as_slice() else {
        panic!("{differs:?}");
    };
    assert!(rounded.starts_with("b:eth0: loss of 2.532 %"), "{rounded}");
    assert!(
        halved.starts_with("b:eth0: its directions differ"),
        "{halved}"
    );
}
