//! Labs that a server cannot raise: the reason is told, and nothing of them stays. These servers have
//! neither uBridge nor Dynamips.

use e2e::sandbox::{Sandbox, stderr};
use orchestrator::gns3::container::IMAGE;

use super::engine::{Image, containers};
use super::installed::Version;
use super::sandbox;
use super::server::{Kind, Server};

/// What can be known before anything is made.
pub(crate) fn nothing_is_begun_in_vain(version: Version) {
    let (server, _image) = (Server::start(version), image());
    let sandbox = sandbox_at(&server);
    for (line, words) in [
        (
            "image = \"nonesuch-of-orchestrator:1\"",
            "has no image nonesuch-of-orchestrator:1",
        ),
        (
            "compute = \"far\"",
            "compute far, which the server does not have",
        ),
        ("env = { GNS3_X = \"1\" }", "cannot have variable GNS3_X"),
        (
            "interface.eth0 = { network = \"lan\", egress = { rate = \"1mbit\" } }",
            "a rate of 1mbit cannot be held",
        ),
    ] {
        let said = refused(&sandbox, line, 3);
        assert!(said.contains(words), "{line}: {said}");
        assert!(server.projects().is_empty(), "{line}");
    }
}

/// Where a part is missing, the server finds out in the middle of its work.
pub(crate) fn a_failed_raise_leaves_nothing(version: Version) {
    let (server, _image) = (Server::start(version), image());
    let mut sandbox = sandbox_at(&server);
    let said = refused(&sandbox, "networks = [\"lan\"]", 3);
    assert!(said.contains("Could not find Dynamips"), "{said}");
    assert!(said.contains("--gns3-switch docker"), "{said}");
    assert!(server.projects().is_empty());

    // Bridges of ours need no Dynamips, and their links uBridge. An engine without all privileges says no
    // before that.
    sandbox.set("ORCHESTRATOR_GNS3_SWITCH", "docker");
    sandbox.write("lab.toml", lab("networks = [\"lan\"]"));
    let mut up = sandbox.command(["up", "lab.toml", "--backend", "gns3"]);
    let output = up.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(matches!(output.status.code(), Some(3 | 4)), "{said}");
    assert!(said.contains("starting node"), "{said}");
    assert!(server.projects().is_empty());
    assert_eq!(containers(&["lack-a", "lack-b"]), [""; 0]);
}

/// A server whose machine has no Docker says so before anything is made.
pub(crate) fn a_server_without_docker_is_told(version: Version) {
    let server = Server::start_as(version, &Kind::WithoutEngine);
    let _image = image();
    let sandbox = sandbox_at(&server);
    let said = refused(&sandbox, "networks = [\"lan\"]", 3);
    assert!(
        said.contains("start Docker on the server's machine"),
        "{said}"
    );
    assert!(server.projects().is_empty());
}

/// Computes that know each other by 127.0.0.1 alone, which no link crosses.
pub(crate) fn computes_on_loopback_are_not_joined(version: Version) {
    let (server, other) = (Server::start(version), Server::start(version));
    server.add_compute(&other, "other");
    let (sandbox, _image) = (sandbox_at(&server), image());
    sandbox.write(
        "lab.toml",
        "name = \"lab\"\n[node.lack-a]\ncompute = \"local\"\n[node.lack-b]\ncompute = \"other\"\n\
         [[link]]\nends = [\"lack-a:eth0\", \"lack-b:eth0\"]\n",
    );
    let up = sandbox.run(["up", "lab.toml", "--backend", "gns3"]);
    let said = stderr(&up.within(PATIENCE).ends_with(3));
    assert!(said.contains("same subnet"), "{said}");
    assert!(said.contains("by addresses of one subnet"), "{said}");
    assert!(server.projects().is_empty());
    assert_eq!(containers(&["lack-a", "lack-b"]), [""; 0]);
}

fn refused(sandbox: &Sandbox, line: &str, code: i32) -> String {
    sandbox.write("lab.toml", lab(line));
    let up = sandbox.run(["up", "lab.toml", "--backend", "gns3"]);
    stderr(&up.within(PATIENCE).ends_with(code))
}

fn lab(line: &str) -> String {
    format!(
        "name = \"lab\"\nnetwork.lan.subnet = \"10.0.0.0/24\"\n[node.lack-a]\n{line}\n[node.lack-b]\nnetworks = [\"lan\"]\n"
    )
}

fn sandbox_at(server: &Server) -> Sandbox {
    let mut sandbox = sandbox();
    sandbox.set("ORCHESTRATOR_GNS3_URL", server.url());
    sandbox
}

/// What a raise makes first.
fn image() -> Image {
    Image::to_be_made(IMAGE)
}

const PATIENCE: std::time::Duration = std::time::Duration::from_mins(3);
