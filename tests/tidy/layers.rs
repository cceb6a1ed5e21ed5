//! The layer table in the orchestrator's crate docs, against what its modules import.

use super::rule::Rule;
use super::tree::{Source, Tree, has_word};

pub(crate) const LAYERS: Rule = Rule {
    name: "layers",
    remedy: "move the code to the row that it belongs to; the table is in orchestrator/src/lib.rs",
    check: |tree| {
        let rows = rows(tree);
        let modules = tree.product().filter(|s| s.path.starts_with(SRC));
        modules.flat_map(|source| upward(source, &rows)).collect()
    },
    bad: &[
        (
            "orchestrator/src/lib.rs",
            "//! ```text\n//! cli\n//! lab\n//! ```\n\npub mod cli;\npub mod lab;\n",
        ),
        (
            "orchestrator/src/lab/a.rs",
            "use crate::cli::args::Format;\n",
        ),
    ],
};

pub(crate) const PLAN_DATA: Rule = Rule {
    name: "plan data",
    remedy: "take what is needed from the plan, and have plan make it of the topology",
    check: |tree| {
        let makers = tree.product().filter(|source| {
            let path = source.path.strip_prefix(SRC);
            path.is_some_and(|path| MAKERS.iter().any(|folder| path.starts_with(folder)))
        });
        makers
            .flat_map(|source| source.complain(|line| has_word(line, "Topology")))
            .collect()
    },
    bad: &[
        (
            "orchestrator/src/backend/a.rs",
            "use crate::topology::Topology;\n",
        ),
        (
            "orchestrator/src/lab/a.rs",
            "use crate::topology::model::{FaultKind, Topology};\n",
        ),
    ],
};

pub(crate) const TABLE: Rule = Rule {
    name: "layer table",
    remedy: "give each module of the orchestrator its row in the table in orchestrator/src/lib.rs",
    check: |tree| {
        let rows = rows(tree);
        let Some(map) = tree.file("orchestrator/src/lib.rs") else {
            return vec!["orchestrator/src/lib.rs is missing".to_owned()];
        };
        let declared = map.code().filter_map(|(_, line)| {
            let rest = line.trim().trim_start_matches("pub ");
            rest.strip_prefix("mod ")?.strip_suffix(';')
        });
        let homeless = declared.filter(|module| row_of(&rows, module).is_none());
        homeless
            .map(|module| format!("{module} has no row"))
            .collect()
    },
    bad: &[(
        "orchestrator/src/lib.rs",
        "//! ```text\n//! cli\n//! ```\n\npub mod lab;\n",
    )],
};

/// The table's rows from the top, each with its modules.
fn rows(tree: &Tree) -> Vec<Vec<String>> {
    let Some(map) = tree.file("orchestrator/src/lib.rs") else {
        return Vec::new();
    };
    let docs = map.text.lines().filter_map(|line| line.strip_prefix("//!"));
    let table = docs
        .map(str::trim)
        .skip_while(|line| *line != "```text")
        .skip(1)
        .take_while(|line| *line != "```");
    let row = |line: &str| {
        let names = line.split('(').next().unwrap_or_default();
        names.split_whitespace().map(str::to_owned).collect()
    };
    table.map(row).collect()
}

fn row_of(rows: &[Vec<String>], module: &str) -> Option<usize> {
    rows.iter()
        .position(|row| row.iter().any(|name| name == module))
}

/// What a module imports that is not below it.
fn upward(source: &Source, rows: &[Vec<String>]) -> Vec<String> {
    let own = source.path[SRC.len()..].split(['/', '.']).next();
    let own = own.unwrap_or_default();
    let Some(row) = row_of(rows, own) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (number, line) in source.code() {
        for (at, _) in line.match_indices("crate::") {
            if line[..at].ends_with('$') {
                continue;
            }
            let rest = &line[at + "crate::".len()..];
            let end = rest
                .find(|c: char| !(c.is_alphanumeric() || c == '_'))
                .unwrap_or(rest.len());
            let module = &rest[..end];
            let below = match row_of(rows, module) {
                Some(other) => module == own || other > row,
                // Groups hide what is imported: one line a module.
                None => !rest.starts_with('{'),
            };
            if !below {
                let text = line.trim();
                found.push(format!(
                    "{}:{number}: {own} is not above: {text}",
                    source.path
                ));
            }
        }
    }
    found
}

const SRC: &str = "orchestrator/src/";
/// Folders whose modules make what a plan says.
const MAKERS: [&str; 3] = ["backend/", "control/", "lab/"];
