//! The glossary of ARCHITECTURE.md: names that its words have replaced, and comments that name nothing.

use super::rule::Rule;
use super::tree::has_word;

pub(crate) const GLOSSARY: Rule = Rule {
    name: "glossary",
    remedy: "use the word that ARCHITECTURE.md has for it, in its section Words",
    check: |tree| {
        let stale = |line: &str| {
            let lower = line.to_lowercase();
            let code = line.split("//").next().unwrap_or_default();
            // Between quotes these are words of a sentence.
            let names: Vec<&str> = code.split('"').step_by(2).collect();
            let replaced = |name: &&str| names.iter().any(|part| has_word(part, name));
            REPLACED.iter().any(replaced) || STEMS.iter().any(|stem| lower.contains(stem))
        };
        tree.product().flat_map(|s| s.find(stale)).collect()
    },
    bad: &[
        ("node/src/a.rs", "fn a(hands: &Hands) {}\n"),
        (
            "node/src/b.rs",
            "/// Furnishes the lab.\nfn provision() {}\n",
        ),
        (
            "orchestrator/src/c.rs",
            "fn open() -> Box<dyn Wire> {}\nfn whoever_asks() {}\n",
        ),
    ],
};

pub(crate) const OPENINGS: Rule = Rule {
    name: "openings",
    remedy: "open the comment with the noun that it is about, or with a verb: Returns, Reads",
    check: |tree| {
        let opens = |line: &str| {
            let text = line.trim_start();
            let text = text.strip_prefix("///").or(text.strip_prefix("//!"));
            let text = text.unwrap_or_default().trim_start();
            OPENERS.iter().any(|opener| {
                let rest = text.strip_prefix(opener);
                rest.is_some_and(|rest| rest.starts_with(' '))
            })
        };
        tree.product().flat_map(|s| s.find(opens)).collect()
    },
    bad: &[("node/src/a.rs", "/// What is sent.\nfn payload() {}\n")],
};

/// Words that begin a clause in the place of a noun.
const OPENERS: [&str; 6] = ["What", "Who", "Whoever", "Whose", "How", "So many"];

/// Names of things that have another name now, as whole words.
const REPLACED: [&str; 24] = [
    "dyn Wire",
    "AttachedWire",
    "AgentWire",
    "KeptWire",
    "Hold",
    "Turn",
    "cargo",
    "Ears",
    "Hands",
    "hands",
    "Damage",
    "Way",
    "Happening",
    "Conversations",
    "LoadReport",
    "LoadSummary",
    "LoadRow",
    "PublishedLoad",
    "What",
    "Who",
    "Whom",
    "How",
    "Surroundings",
    "Creations",
];

/// Parts of such names, in any spelling, in comments too.
const STEMS: [&str; 6] = [
    "furnish",
    "parcel",
    "belonging",
    "farewell",
    "manieth",
    "whoever_",
];
