//! What may be named in one place only.

use super::rule::Rule;
use super::tree::{Source, Tree, has_word};

pub(crate) const BOLLARD: Rule = Rule {
    name: "bollard",
    remedy: "speak with Docker in orchestrator/src/backend/docker only",
    check: |tree| {
        outside(tree, "orchestrator/src/backend/docker/", |line| {
            has_word(line, "bollard")
        })
    },
    bad: &[("orchestrator/src/cli/ps.rs", "use bollard::Docker;\n")],
};

pub(crate) const PNET: Rule = Rule {
    name: "pnet",
    remedy: "capture in the node only; elsewhere read its frames with etherparse",
    check: |tree| outside(tree, "node/src/", |line| has_word(line, "pnet")),
    bad: &[(
        "orchestrator/src/verify/a.rs",
        "use pnet::packet::Packet;\n",
    )],
};

pub(crate) const PRINTING: Rule = Rule {
    name: "printing",
    remedy: "print through cli::printer in the orchestrator, and through `lines` in the roles",
    check: |tree| {
        let macros = ["println!", "print!", "eprintln!", "eprint!", "dbg!"];
        let prints = |line: &str| macros.iter().any(|name| has_word(line, name));
        tree.product().flat_map(|s| s.complain(prints)).collect()
    },
    bad: &[("node/src/a.rs", "fn a() { println!(\"a\"); }\n")],
};

pub(crate) const STREAMS: Rule = Rule {
    name: "standard streams",
    remedy: "only the orchestrator's cli knows that there are a standard output and error",
    check: |tree| {
        let names = ["stdout()", "stderr()"];
        let touches = |line: &str| {
            names
                .iter()
                .any(|name| line.contains(&format!("io::{name}")))
        };
        let below = tree
            .product()
            .filter(|s| s.path.starts_with("orchestrator/src/"))
            .filter(|s| !s.path.starts_with("orchestrator/src/cli/"));
        below.flat_map(|s| s.complain(touches)).collect()
    },
    bad: &[("orchestrator/src/lab/a.rs", "let out = io::stdout();\n")],
};

pub(crate) const UNSAFE: Rule = Rule {
    name: "unsafe",
    remedy: "put what needs it into plumbing, behind a safe function",
    check: |tree| outside(tree, "plumbing/src/", |line| has_word(line, "unsafe")),
    bad: &[("node/src/a.rs", "fn a() { unsafe { b() } }\n")],
};

pub(crate) const SHELLING_OUT: Rule = Rule {
    name: "shelling out",
    remedy: "use netlink or the engine's API",
    check: |tree| {
        let calls = |line: &str| {
            PROGRAMS
                .iter()
                .any(|program| line.contains(&format!("Command::new(\"{program}\")")))
        };
        tree.product().flat_map(|s| s.complain(calls)).collect()
    },
    bad: &[("node/src/a.rs", "let c = Command::new(\"ip\");\n")],
};

/// What product code outside a folder does that it should not.
fn outside(tree: &Tree, folder: &str, wrong: impl Fn(&str) -> bool) -> Vec<String> {
    let elsewhere = |source: &&Source| !source.path.starts_with(folder);
    let found = tree.product().filter(elsewhere);
    found.flat_map(|source| source.complain(&wrong)).collect()
}

const PROGRAMS: [&str; 8] = [
    "ip", "tc", "nft", "iptables", "docker", "podman", "sh", "bash",
];
