//! Hygiene of the project's own files. Needs nothing but the standard library.
//!
//! - [`tree`]: the files.
//! - [`rule`]: what a rule is, and all of them.
//! - [`generated`]: files that the program makes.
//! - [`shape`], [`crates`], [`layers`], [`seams`], [`documents`], [`escapes`], [`words`]: the rules.

mod crates;
mod documents;
mod escapes;
mod generated;
mod layers;
mod rule;
mod seams;
mod shape;
mod tree;
mod words;

use std::io::{self, Write};
use std::path::Path;

use rule::{RULES, Rule};
use tree::Tree;

#[test]
fn the_project_keeps_its_rules() -> io::Result<()> {
    let tree = Tree::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))?;
    // Straight to the stream, which the test harness does not withhold.
    writeln!(io::stderr(), "tidy: {}", shape::sizes(&tree))?;
    let complaints: Vec<String> = RULES
        .iter()
        .filter_map(|rule| complaint(rule, &tree))
        .collect();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
    Ok(())
}

#[test]
fn every_rule_fires_on_a_bad_sample() {
    for rule in RULES {
        let found = (rule.check)(&Tree::sample(rule.bad));
        assert!(!found.is_empty(), "`{}` finds nothing wrong", rule.name);
    }
}

#[test]
fn no_rule_fires_on_a_good_sample() {
    let good = Tree::sample(GOOD);
    for rule in RULES {
        let found = (rule.check)(&good);
        assert!(found.is_empty(), "`{}` complains: {found:?}", rule.name);
    }
}

fn complaint(rule: &Rule, tree: &Tree) -> Option<String> {
    let found = (rule.check)(tree);
    (!found.is_empty())
        .then(|| format!("{}: {}\n  {}\n", rule.name, rule.remedy, found.join("\n  ")))
}

const GOOD: &[(&str, &str)] = &[
    (
        "orchestrator/src/lib.rs",
        "//! Map.\n//!\n//! ```text\n//! cli\n//! lab   verify\n//! plan  (pure)\n//! ```\n\npub mod cli;\npub mod lab;\npub mod plan;\npub mod verify;\n",
    ),
    (
        "orchestrator/src/lab/raised.rs",
        "//! Labs.\n\nuse crate::plan::Plan;\nuse crate::lab::Id;\n",
    ),
    (
        "orchestrator/src/cli/args/verb.rs",
        "//! Flags.\n\nconst EXIT_CODES: &str = \"\\\nExit codes: 0 passed · 1 failed ·\n2 wrong\";\n",
    ),
    (
        "README.md",
        "| 0 | passed |\n| 1 | failed |\n| 2 | wrong |\n\ntopologies/two.toml\n",
    ),
    ("topologies/two.toml", "name = \"two\"\n"),
    (
        "node/Cargo.toml",
        "[package]\n\n[dependencies]\nclap.workspace = true\nroles = { path = \"../roles\" }\n\n[lints]\nworkspace = true\n",
    ),
    (
        "node/src/cli.rs",
        "//! Subcommands.\n\nuse roles::role::Role;\n",
    ),
    ("tests/ESCAPES.md", "| a way | `it_is_closed` |\n"),
    (
        "tests/docker/escapes.rs",
        "//! Ways out.\n\npub(crate) fn it_is_closed() {}\n",
    ),
    ("lab/Cargo.toml", "[package]\n\n[lints]\nworkspace = true\n"),
];
