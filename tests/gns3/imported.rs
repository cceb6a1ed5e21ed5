//! A project on a server that can do everything: imported, opened and started.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use e2e::sandbox::Sandbox;

use super::client::{Client, ProjectId};
use super::engine::run_in;
use super::full::BUSYBOX;

/// A project that runs. It is removed with all that runs for it when this is dropped.
pub(crate) struct Imported<'a> {
    client: &'a Client,
    pub(crate) id: ProjectId,
}

impl<'a> Imported<'a> {
    /// A topology's, exported.
    pub(crate) fn of(client: &'a Client, sandbox: &Sandbox, file: &str) -> Self {
        let archive = "exported.gns3project";
        let words = ["export", "gns3project", file, "--output", archive];
        sandbox.run(words).succeeds();
        let archive = fs::read(sandbox.path("work").join(archive)).unwrap();
        Self::start(client, archive)
    }

    /// An archive's.
    pub(crate) fn start(client: &'a Client, archive: Vec<u8>) -> Self {
        let id = client.import(archive, "imported");
        let imported = Self { client, id };
        imported.order("open");
        imported.order("nodes/start");
        imported
    }

    /// Has something done with it.
    pub(crate) fn order(&self, what: &str) {
        self.client.order(&format!("/projects/{}/{what}", self.id));
    }

    /// What it has of a kind: `nodes`, `links` or `drawings`.
    pub(crate) fn list(&self, kind: &str) -> Vec<serde_json::Value> {
        self.client.list(&self.id, kind)
    }

    /// The container of a node.
    pub(crate) fn container(&self, node: &str) -> String {
        container(node, &self.id)
    }

    /// Waits until a node has these addresses, which it gives itself while it starts.
    pub(crate) fn await_addresses(&self, node: &str, expected: &[&str]) {
        let expected = expected.iter().map(|text| (*text).to_owned()).collect();
        soon(|| {
            let there = addresses(&self.container(node));
            let is_complete = there == expected;
            is_complete
                .then_some(())
                .ok_or(format!("{node}: {there:?}"))
        });
    }

    /// Pings one node from another, by a name or an address, until it answers: routes come after addresses.
    pub(crate) fn ping(&self, from: &str, to: &str) {
        let ping = [BUSYBOX, "ping", "-c", "1", "-W", "1", to];
        soon(|| match run_in(&self.container(from), &ping) {
            (0, _) => Ok(()),
            (_, said) => Err(format!("{from}: {}", String::from_utf8_lossy(&said))),
        });
    }
}

impl Drop for Imported<'_> {
    fn drop(&mut self) {
        self.client.delete(&self.id);
    }
}

/// The container of a project's node.
pub(crate) fn container(node: &str, project: &str) -> String {
    format!("GNS3.{node}.{project}")
}

/// A container's addresses, as `eth0 10.0.0.1/24`, but for those that every interface has.
pub(crate) fn addresses(container: &str) -> BTreeSet<String> {
    let lines = text_of(container, &[BUSYBOX, "ip", "-o", "address"]);
    let of_line = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, interface, "inet" | "inet6", address, ..] = words[..] else {
            return None;
        };
        let everybodys = interface == "lo" || address.starts_with("fe80:");
        (!everybodys).then(|| format!("{interface} {address}"))
    };
    lines.lines().filter_map(of_line).collect()
}

/// A container's routes over others, as `10.2.0.0/24 via 10.1.0.1`.
pub(crate) fn routes(container: &str) -> BTreeSet<String> {
    let families = ["-4", "-6"].map(|family| text_of(container, &[BUSYBOX, "ip", family, "route"]));
    let lines = families.iter().flat_map(|text| text.lines());
    let of_line = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        matches!(words[..], [_, "via", ..]).then(|| words[..3].join(" "))
    };
    lines.filter_map(of_line).collect()
}

fn text_of(container: &str, words: &[&str]) -> String {
    let (code, said) = run_in(container, words);
    let said = String::from_utf8(said).unwrap();
    assert_eq!(code, 0, "{container} {words:?}: {said}");
    said
}

/// Tries until it succeeds, for as long as nodes may take to start.
fn soon(attempt: impl Fn() -> Result<(), String>) {
    let until = Instant::now() + STARTING;
    while let Err(reason) = attempt() {
        assert!(Instant::now() < until, "{reason}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// How long a node may take from its start until it has its addresses and routes.
const STARTING: Duration = Duration::from_secs(5);
