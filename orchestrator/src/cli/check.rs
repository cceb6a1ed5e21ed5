//! `validate`, `schema` and `graph`: topology files looked at, nothing raised.

use protocol::unit::{Percent, Time};
use serde::Serialize;

use crate::topology::path::{Path, PathConditions, paths};
use crate::topology::{self, graph};

use super::args::{Format, GraphArgs, GraphLanguage, ValidateArgs};
use super::failure::{Failure, Status};
use super::input::Source;
use super::printer::Printer;

/// Checks files; prints what the impairments between nodes add up to.
///
/// # Errors
/// If a file cannot be read. Mistakes in files are printed, all of them.
pub fn validate(args: &ValidateArgs, printer: Printer) -> Result<Status, Failure> {
    let mut status = Status::Passed;
    let mut valid = Vec::new();
    for file in &args.files {
        match Source::load(file, &args.settings).and_then(|source| source.topology()) {
            Ok(topology) => {
                let summary = Valid {
                    file: file.display().to_string(),
                    lab: topology.name.to_string(),
                    nodes: topology.nodes.len(),
                    networks: topology.networks.len(),
                    links: topology.links.len(),
                    scenarios: topology.scenarios.len(),
                };
                if printer.format == Format::Table {
                    printer.result(summary.text());
                    let impaired = paths(&topology).filter(|path| !path.is_perfect());
                    impaired.for_each(|path| printer.result(conditions(&path)));
                }
                valid.push(summary);
            }
            Err(failure) => {
                printer.fail(&failure);
                status = failure.status();
            }
        }
    }
    if printer.format == Format::Json {
        printer.json(&valid)?;
    }
    Ok(status)
}

/// Prints the JSON Schema of topology files.
///
/// # Errors
/// None in practice.
pub fn schema(printer: Printer) -> Result<Status, Failure> {
    printer.json(&topology::schema())?;
    Ok(Status::Passed)
}

/// Draws a topology.
///
/// # Errors
/// If the file is wrong.
pub fn graph(args: &GraphArgs, printer: Printer) -> Result<Status, Failure> {
    let topology = Source::load(&args.file, &args.settings)?.topology()?;
    printer.result(match args.language {
        GraphLanguage::Mermaid => graph::mermaid(&topology),
        GraphLanguage::Dot => graph::dot(&topology),
        GraphLanguage::Svg => graph::svg(&topology),
    });
    Ok(Status::Passed)
}

/// A file without mistakes.
#[derive(Debug, Serialize)]
struct Valid {
    file: String,
    lab: String,
    nodes: usize,
    networks: usize,
    links: usize,
    scenarios: usize,
}

impl Valid {
    fn text(&self) -> String {
        let count = |n: usize, noun: &str| format!("{n} {noun}{}", if n == 1 { "" } else { "s" });
        format!(
            "{}: {} is valid: {}, {}, {}, {}",
            self.file,
            self.lab,
            count(self.nodes, "node"),
            count(self.networks, "network"),
            count(self.links, "link"),
            count(self.scenarios, "scenario"),
        )
    }
}

/// `  a ↔ b: 20ms RTT; there 5% loss and 20mbit, back lossless, no limit`.
fn conditions(path: &Path<'_>) -> String {
    let one_way = |way: &PathConditions| {
        let loss = (way.loss != Percent::default()).then(|| format!("{} loss", way.loss));
        let rate = way.rate.map(|rate| rate.to_string());
        let parts: Vec<_> = loss.into_iter().chain(rate).collect();
        if parts.is_empty() {
            "lossless, no limit".to_owned()
        } else {
            parts.join(" and ")
        }
    };
    format!(
        "  {} ↔ {}: {} RTT; there {}, back {}",
        path.from.name,
        path.to.name,
        Time(path.rtt()),
        one_way(&path.there),
        one_way(&path.back)
    )
}
