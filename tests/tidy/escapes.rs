//! The list of ways out of a node, against the tests that try them.

use std::collections::BTreeSet;

use super::rule::Rule;
use super::tree::Source;

pub(crate) const LISTED: Rule = Rule {
    name: "escapes",
    remedy: "name each test of a battery in tests/ESCAPES.md, and no test that there is not",
    check: |tree| {
        let listed: BTreeSet<&str> = tree.file(LIST).map_or_else(BTreeSet::new, tests_named);
        let tests: BTreeSet<&str> = tree.sources.iter().flat_map(functions).collect();
        let missing = listed.difference(&tests);
        let missing = missing.map(|name| format!("there is no test {name}"));
        let of_batteries = BATTERIES.iter().filter_map(|path| tree.file(path));
        let unlisted = of_batteries.flat_map(trials);
        let unlisted = unlisted.filter(|name| !listed.contains(name));
        missing
            .chain(unlisted.map(|name| format!("{LIST} does not name {name}")))
            .collect()
    },
    bad: &[
        (LIST, "| a way | `nobody_tries_it` |\n"),
        (
            "tests/docker/escapes.rs",
            "pub(crate) fn it_is_not_listed() {}\n",
        ),
    ],
};

/// The names in backquotes that are those of functions.
fn tests_named(list: &Source) -> BTreeSet<&str> {
    let quoted = list.text.split('`').skip(1).step_by(2);
    quoted
        .filter(|text| text.contains('_') && is_name(text))
        .collect()
}

fn functions(source: &Source) -> impl Iterator<Item = &str> {
    let lines = source.text.lines().filter(|_| source.has_extension("rs"));
    lines.filter_map(|line| {
        let (_, rest) = line.split_once("fn ")?;
        rest.split(['(', '<']).next()
    })
}

/// The tests of a battery: the functions that the harness runs by itself, and those that a list of trials names.
fn trials(source: &Source) -> Vec<&str> {
    let mut lines = source.text.lines();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        let is_test = line.trim() == "#[test]";
        let is_trial = line.starts_with("pub(crate) fn ");
        let declared = if is_test { lines.next() } else { Some(line) };
        let name = declared.and_then(|line| line.split_once("fn ")?.1.split('(').next());
        found.extend(name.filter(|_| is_test || is_trial));
    }
    found
}

fn is_name(text: &str) -> bool {
    text.chars()
        .all(|one| one.is_ascii_lowercase() || one == '_')
}

const LIST: &str = "tests/ESCAPES.md";

const BATTERIES: [&str; 4] = [
    "orchestrator/tests/netns/escapes.rs",
    "orchestrator/tests/netns/limits.rs",
    "orchestrator/tests/netns/rooms.rs",
    "tests/docker/escapes.rs",
];
