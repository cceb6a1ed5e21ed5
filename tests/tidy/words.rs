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
        let ready = tree.product().filter(|source| {
            let later = LATER.iter().any(|start| source.path.starts_with(start));
            !later
        });
        ready.flat_map(|s| s.find(opens)).collect()
    },
    bad: &[("node/src/a.rs", "/// What is sent.\nfn payload() {}\n")],
};

/// Words that begin a clause in the place of a noun.
const OPENERS: [&str; 6] = ["What", "Who", "Whoever", "Whose", "How", "So many"];

/// Starts of paths whose comments are still to be rewritten.
const LATER: [&str; 18] = [
    "orchestrator/src/lab/",
    "orchestrator/src/cli/clean.rs",
    "orchestrator/src/cli/doctor.rs",
    "orchestrator/src/cli/down.rs",
    "orchestrator/src/cli/find.rs",
    "orchestrator/src/cli/look.rs",
    "orchestrator/src/cli/site.rs",
    "orchestrator/src/backend/netns/",
    "orchestrator/src/backend/docker/backend.rs",
    "orchestrator/src/backend/docker/engine.rs",
    "orchestrator/src/backend/docker/late.rs",
    "orchestrator/src/backend/docker/mark.rs",
    "orchestrator/src/backend/docker/removal.rs",
    "orchestrator/src/backend/gns3/backend.rs",
    "orchestrator/src/backend/gns3/mark.rs",
    "orchestrator/src/backend/gns3/removal.rs",
    "plumbing/src/control_group.rs",
    "plumbing/src/process.rs",
];

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
