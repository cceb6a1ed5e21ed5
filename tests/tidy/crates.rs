//! Which crate may stand on which, and which modules of one may reach into another.

use super::rule::Rule;
use super::tree::{Source, has_word};

pub(crate) const EDGES: Rule = Rule {
    name: "crates",
    remedy: "let crates depend as the diagram in ARCHITECTURE.md has them",
    check: |tree| {
        let manifests = tree.sources.iter().filter_map(|source| {
            let folder = source.path.strip_suffix("/Cargo.toml")?;
            let (_, allowed) = MAY_USE.iter().find(|(name, _)| *name == folder)?;
            Some((source, *allowed))
        });
        let wrong = manifests.flat_map(|(source, allowed)| {
            let wrong = members(source).filter(move |name| !allowed.contains(name));
            wrong.map(|name| format!("{} depends on {name}", source.path))
        });
        wrong.collect()
    },
    bad: &[(
        "roles/Cargo.toml",
        "[package]\n\n[dependencies]\nnode.workspace = true\n\n[lints]\nworkspace = true\n",
    )],
};

pub(crate) const TEST_BED: Rule = Rule {
    name: "test bed",
    remedy: "only node/src/cli.rs knows the roles; what both need goes to protocol or plumbing",
    check: |tree| {
        let test_bed = tree
            .product()
            .filter(|s| s.path.starts_with("node/src/") && s.path != "node/src/cli.rs");
        test_bed
            .flat_map(|s| s.complain(|line| has_word(line, "roles")))
            .collect()
    },
    bad: &[("node/src/agent/a.rs", "use roles::serve::ServeArguments;\n")],
};

pub(crate) const ONE_PROGRAM: Rule = Rule {
    name: "one program",
    remedy: "only orchestrator/src/main.rs knows the node; what both need goes to protocol or plumbing",
    check: |tree| {
        let orchestrator = tree.product().filter(|s| {
            s.path.starts_with("orchestrator/src/") && s.path != "orchestrator/src/main.rs"
        });
        orchestrator
            .flat_map(|s| s.complain(|line| line.contains(" node::") || line.contains("(node::")))
            .collect()
    },
    bad: &[(
        "orchestrator/src/lab/a.rs",
        "use node::agent::AgentOptions;\n",
    )],
};

/// The crates of this project that a crate depends on.
fn members(manifest: &Source) -> impl Iterator<Item = &str> {
    let lines = manifest.text.lines();
    let dependencies = lines.skip_while(|line| *line != "[dependencies]").skip(1);
    let dependencies = dependencies.take_while(|line| !line.starts_with('['));
    let names = dependencies.filter_map(|line| line.split(['.', ' ', '=']).next());
    names.filter(|name| MAY_USE.iter().any(|(member, _)| member == name))
}

/// Each crate of the product, and those that it may depend on.
const MAY_USE: [(&str, &[&str]); 5] = [
    ("protocol", &[]),
    ("plumbing", &[]),
    ("roles", &["protocol", "plumbing"]),
    ("node", &["roles", "protocol", "plumbing"]),
    ("orchestrator", &["node", "protocol", "plumbing"]),
];
