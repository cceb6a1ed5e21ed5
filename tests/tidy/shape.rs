//! How files look: documented, short, named by what they hold.

use super::rule::Rule;
use super::tree::{Source, Tree, has_word};

pub(crate) const MODULE_DOCS: Rule = Rule {
    name: "module docs",
    remedy: "open the file with `//!` and a sentence on what it holds",
    check: |tree| {
        let bare = |source: &&Source| !source.text.starts_with("//! ");
        tree.rust().filter(bare).map(|s| s.path.clone()).collect()
    },
    bad: &[("a/src/b.rs", "use std::io;\n")],
};

pub(crate) const LENGTH: Rule = Rule {
    name: "length",
    remedy: "split files of more than 500 lines by noun, and keep nine of ten within 400",
    check: |tree| {
        let mut found: Vec<String> = tree
            .rust()
            .filter(|source| lines(source) > LONGEST)
            .map(|source| format!("{}: {} lines", source.path, lines(source)))
            .collect();
        if percentile(tree, 90) > USUAL {
            found.push(sizes(tree));
        }
        found
    },
    bad: &[("a/src/b.rs", LONG)],
};

pub(crate) const MAPS: Rule = Rule {
    name: "maps",
    remedy: "keep docs, `mod` and `use` in lib.rs and mod.rs, in 80 lines; move the rest out",
    check: |tree| {
        tree.rust()
            .filter(|s| is_map(s))
            .flat_map(off_map)
            .collect()
    },
    bad: &[("a/src/lib.rs", "//! A.\n\npub mod b;\n\nfn logic() {}\n")],
};

pub(crate) const NAMES: Rule = Rule {
    name: "names",
    remedy: "name files and folders by the noun that they hold",
    check: |tree| {
        let vague = |source: &&Source| {
            let path = source.path.trim_end_matches(".rs");
            path.split('/')
                .flat_map(|part| part.split('_'))
                .any(|word| VAGUE.contains(&word))
        };
        tree.rust().filter(vague).map(|s| s.path.clone()).collect()
    },
    bad: &[("a/src/net_utils.rs", "//! Things.\n")],
};

pub(crate) const MARKERS: Rule = Rule {
    name: "unfinished work",
    remedy: "finish it, or open an issue and take the mark out",
    check: |tree| {
        let marked = |line: &str| MARKS.iter().any(|mark| has_word(line, mark));
        let others = tree.rust().filter(|s| s.path != "tests/tidy/shape.rs");
        others.flat_map(|s| s.find(marked)).collect()
    },
    bad: &[("a/src/b.rs", "//! B.\n\n// TODO: more\n")],
};

/// How long the project's files are, in a line.
pub(crate) fn sizes(tree: &Tree) -> String {
    format!(
        "{} Rust files; half have at most {} lines, nine of ten at most {}, the longest {}",
        tree.rust().count(),
        percentile(tree, 50),
        percentile(tree, 90),
        percentile(tree, 100),
    )
}

fn percentile(tree: &Tree, share: usize) -> usize {
    let mut all: Vec<usize> = tree.rust().map(lines).collect();
    all.sort_unstable();
    let place = (all.len() * share).div_ceil(100).max(1) - 1;
    all.get(place).copied().unwrap_or_default()
}

fn lines(source: &Source) -> usize {
    source.text.lines().count()
}

/// Below a `tests` folder, mod.rs may hold what tests share.
fn is_map(source: &Source) -> bool {
    matches!(source.name(), "mod.rs" | "lib.rs") && !source.path.contains("/tests/")
}

fn off_map(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    if lines(source) > LONGEST_MAP {
        found.push(format!("{}: {} lines", source.path, lines(source)));
    }
    let mut within = None;
    for (number, line) in source.code() {
        let line = line.trim();
        match within {
            // A declaration goes on until its end.
            Some(end) => {
                if line.ends_with(end) {
                    within = None;
                }
            }
            None => match end_of_declaration(line) {
                Some(end) if !line.is_empty() && !line.ends_with(end) => within = Some(end),
                Some(_) => {}
                None => found.push(format!("{}:{number}: {line}", source.path)),
            },
        }
    }
    found
}

/// What ends the declaration that `line` begins, where it may stand in a map.
fn end_of_declaration(line: &str) -> Option<char> {
    if line.is_empty() || line.starts_with("#[") || line.starts_with("#![") {
        return Some(']');
    }
    let visible = line.trim_start_matches("pub(crate) ");
    let visible = visible.trim_start_matches("pub(super) ");
    let bare = visible.trim_start_matches("pub ");
    ["mod ", "use ", "const "]
        .iter()
        .any(|word| bare.starts_with(word))
        .then_some(';')
}

const LONG: &str = match std::str::from_utf8(&[b'\n'; LONGEST + 1]) {
    Ok(text) => text,
    Err(_) => "",
};
const LONGEST: usize = 500;
const USUAL: usize = 400;
const LONGEST_MAP: usize = 80;
const VAGUE: [&str; 8] = [
    "util", "utils", "helper", "helpers", "common", "misc", "stuff", "shared",
];
const MARKS: [&str; 6] = ["TODO", "FIXME", "XXX", "HACK", "todo!", "unimplemented!"];
