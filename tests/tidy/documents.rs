//! What the README and the manifests say, against what is.

use std::path::Path;

use super::rule::Rule;
use super::tree::Source;

pub(crate) const LINTS: Rule = Rule {
    name: "lints",
    remedy: "add `[lints]` with `workspace = true`; only plumbing, which may be unsafe, has its own",
    check: |tree| {
        let lax = |source: &&Source| {
            source.name() == "Cargo.toml"
                && source.text.contains("[package]")
                && !source.text.contains("[lints]\nworkspace = true")
                && !(source.path == "plumbing/Cargo.toml" && source.text.contains("[lints.clippy]"))
        };
        let found = tree.sources.iter().filter(lax);
        found.map(|source| source.path.clone()).collect()
    },
    bad: &[("a/Cargo.toml", "[package]\nname = \"a\"\n")],
};

pub(crate) const EXIT_CODES: Rule = Rule {
    name: "exit codes",
    remedy: "say in the README what `orchestrator --help` says: a line with the code and its meaning",
    check: |tree| {
        let (Some(readme), Some(args)) = (
            tree.file("README.md"),
            tree.file("orchestrator/src/cli/args/verb.rs"),
        ) else {
            return Vec::new();
        };
        let said = |(code, meaning): &(String, String)| {
            readme
                .text
                .lines()
                .any(|line| line.contains(code.as_str()) && line.contains(meaning.as_str()))
        };
        let codes = exit_codes(&args.text);
        if codes.is_empty() {
            return vec!["orchestrator/src/cli/args/verb.rs has no `Exit codes:`".to_owned()];
        }
        let missing = codes.iter().filter(|pair| !said(pair));
        missing
            .map(|(code, meaning)| format!("README.md lacks: {code} {meaning}"))
            .collect()
    },
    bad: &[
        ("README.md", "| 0 | passed |\n"),
        (
            "orchestrator/src/cli/args/verb.rs",
            "\"Exit codes: 0 passed · 1 failed\";\n",
        ),
    ],
};

pub(crate) const TOPOLOGIES: Rule = Rule {
    name: "topologies",
    remedy: "name every shipped topology in the README, and none that is not shipped",
    check: |tree| {
        let Some(readme) = tree.file("README.md") else {
            return Vec::new();
        };
        let shipped: Vec<&str> = tree
            .sources
            .iter()
            .filter(|source| source.has_extension("toml"))
            .filter(|source| source.path.starts_with("topologies/"))
            .map(|source| source.path.as_str())
            .collect();
        let unnamed = shipped
            .iter()
            .filter(|path| !readme.text.contains(**path))
            .map(|path| format!("README.md does not name {path}"));
        let absent = named(&readme.text)
            .filter(|path| !shipped.contains(&path.as_str()))
            .map(|path| format!("README.md names {path}, which is not there"));
        unnamed.chain(absent).collect()
    },
    bad: &[
        ("README.md", "run topologies/one.toml\n"),
        ("topologies/two.toml", "name = \"two\"\n"),
    ],
};

/// Codes and their meanings in the text that help ends with: `Exit codes: 0 passed · 1 …`.
fn exit_codes(source: &str) -> Vec<(String, String)> {
    let text = source.split("Exit codes: ").nth(1).unwrap_or_default();
    let text = text.split('"').next().unwrap_or_default();
    let entry = |entry: &str| {
        let (code, meaning) = entry.trim().split_once(' ')?;
        code.parse::<u8>().ok()?;
        Some((code.to_owned(), meaning.trim().to_owned()))
    };
    text.split('·').filter_map(entry).collect()
}

/// Every `topologies/NAME.toml` in a text.
fn named(text: &str) -> impl Iterator<Item = String> {
    text.match_indices("topologies/").filter_map(|(at, _)| {
        let rest = &text[at..];
        let end = rest.find(|c: char| !(c.is_alphanumeric() || "/-_.".contains(c)))?;
        let path = &rest[..end].trim_end_matches('.');
        let file = Path::new(path).extension().is_some_and(|e| e == "toml");
        file.then(|| (*path).to_owned())
    })
}
