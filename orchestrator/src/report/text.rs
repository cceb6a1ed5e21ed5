//! The run as calm text for a terminal.

use anstyle::{AnsiColor, Style};

use crate::number::{count, counted, seconds};

use super::model::{Outcome, RunReport, ScenarioReport};
use super::plain_text::visible;
use super::problem::{Problem, problems};
use super::stress::{answers, stress_tables};
use super::tasks::lesson;
use super::verdict::verdict;
use super::view::{self, Table, summary_table};

/// Whether text is coloured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    #[default]
    Never,
    /// ANSI sequences.
    Always,
}

/// Writes parts of a run as text. Every part ends with a line break.
#[derive(Debug, Clone, Copy, Default)]
pub struct TextRenderer {
    /// Whether it is coloured.
    pub colour: Colour,
}

impl TextRenderer {
    /// The whole run: header, raised, every scenario, captured, verdict, and, where it is known, the
    /// path of the report.
    pub fn whole(self, report: &RunReport, page: Option<&str>) -> String {
        let mut text = vec![self.header(report)];
        text.push(self.raised(report));
        for scenario in &report.scenarios {
            text.push(self.scenario(scenario));
        }
        text.push(self.ending(report, page));
        text.concat()
    }

    /// Renders everything after the last scenario: captured, verdict with problems, path of the report.
    pub fn ending(self, report: &RunReport, page: Option<&str>) -> String {
        let mut text = vec![self.captured(report)];
        text.push(self.verdict(report));
        text.push(page.map_or_else(String::new, |page| self.line("report", DIM, page)));
        text.concat()
    }

    /// `two-servers · netns · 3 nodes on 1 network · seed 7f3a91c2`.
    pub fn header(self, report: &RunReport) -> String {
        let name = self.paint(BOLD, &report.lab);
        let size = view::size(report.nodes.len(), report.segments);
        let backend = visible(&report.backend);
        let seed = visible(&report.seed);
        format!("{name} · {backend} · {size} · seed {seed}\n")
    }

    /// Renders the time that raising took, unless the lab was up already, and the address of each node.
    pub fn raised(self, report: &RunReport) -> String {
        let took = report.timings.raise + report.timings.ready;
        let took = if took > 0.0 {
            seconds(took)
        } else {
            "earlier".to_owned()
        };
        let nodes: Vec<String> = report
            .nodes
            .iter()
            .map(|node| {
                let first = node.interfaces.first().map_or("", String::as_str);
                let address = first.split_whitespace().nth(1).unwrap_or_default();
                let bare = address.split('/').next().unwrap_or_default();
                format!("{} {bare}", node.name).trim_end().to_owned()
            })
            .collect();
        let shown = if nodes.len() > SHOWN_NODES {
            counted(nodes.len() as u64, "node")
        } else {
            nodes.join(" · ")
        };
        self.line("raised", DIM, &format!("{took:<7} {shown}"))
    }

    /// A scenario's headline and table.
    pub fn scenario(self, scenario: &ScenarioReport) -> String {
        let mut text = vec![self.line(&scenario.name, BOLD, &scenario.headline)];
        if let Some(reason) = &scenario.reason {
            let word = self.outcome(scenario.outcome);
            text.push(format!("  {word}: {}\n", visible(reason)));
        }
        if let Some(table) = summary_table(scenario) {
            text.push(self.table(&table));
        }
        for (title, table) in stress_tables(scenario) {
            text.push(format!("  {}\n", self.paint(DIM, &title)));
            text.push(self.table(&table));
        }
        for answer in answers(scenario) {
            text.push(format!("  {}\n", visible(answer)));
        }
        for line in lesson(scenario).iter().take(SHOWN_DETAILS) {
            text.push(format!("  {}\n", self.paint(DIM, line)));
        }
        text.concat()
    }

    /// Renders the contents and proofs of the captures.
    pub fn captured(self, report: &RunReport) -> String {
        if report.captures.is_empty() {
            return String::new();
        }
        let mut interfaces: Vec<_> = report
            .captures
            .iter()
            .map(|c| (&c.node, &c.interface))
            .collect();
        interfaces.sort();
        interfaces.dedup();
        let packets = report.captures.iter().map(|c| c.packets).sum();
        let dropped = report.captures.iter().map(|c| c.dropped).sum();
        let mut said = format!(
            "{}, {}, {} dropped",
            counted(interfaces.len() as u64, "interface"),
            counted(packets, "packet"),
            count(dropped)
        );
        let proofs = report.scenarios.iter();
        let proofs = proofs.flat_map(|s| s.proofs.iter().map(move |proof| (s, proof)));
        // Those that did not pass are told as problems.
        let passed: Vec<_> = proofs
            .filter(|(_, proof)| proof.outcome == Outcome::Passed)
            .collect();
        for (scenario, proof) in &passed {
            said += "; ";
            if passed.len() > 1 {
                said += &scenario.name;
                said += ": ";
            }
            said += &proof.summary;
        }
        self.line("captured", DIM, &said)
    }

    /// The verdict, and what speaks against the run, worst first.
    pub fn verdict(self, report: &RunReport) -> String {
        let word = report.outcome.word();
        let mut text = vec![self.line(word, style(report.outcome), &verdict(report))];
        let mut found = problems(report);
        // Why a scenario was skipped stands at the scenario.
        found.retain(|p| p.outcome > Outcome::Skipped);
        for problem in found.iter().take(SHOWN_PROBLEMS) {
            text.push(self.problem(problem));
        }
        if let Some(more) = found.len().checked_sub(SHOWN_PROBLEMS).filter(|&n| n > 0) {
            text.push(format!(
                "  and {} more, in the report\n",
                count(more as u64)
            ));
        }
        for warning in &report.warnings {
            text.push(self.line("warning", WARN, warning));
        }
        text.concat()
    }

    fn problem(self, problem: &Problem) -> String {
        let title = self.paint(style(problem.outcome), &problem.title);
        let mut text = vec![format!("  {}: {title}\n", visible(&problem.place))];
        for detail in problem.details.iter().take(SHOWN_DETAILS) {
            text.push(format!("    {}\n", visible(detail)));
        }
        if problem.details.len() > SHOWN_DETAILS {
            text.push("    …\n".to_owned());
        }
        text.concat()
    }

    fn table(self, table: &Table) -> String {
        let shown = |text: &str| visible(text).into_owned();
        let titles: Vec<String> = table.columns.iter().map(|c| shown(&c.title)).collect();
        let rows: Vec<Vec<String>> = table
            .rows
            .iter()
            .map(|row| row.texts.iter().map(|t| shown(t)).collect())
            .collect();
        let width = |place: usize| {
            let texts = std::iter::once(&titles).chain(&rows);
            texts.map(|row| row[place].chars().count()).max()
        };
        let widths: Vec<usize> = (0..titles.len()).filter_map(width).collect();
        let mut text = vec![self.row(DIM, table, &titles, &widths)];
        for (row, texts) in table.rows.iter().zip(&rows) {
            let style = match row.outcome {
                Outcome::Passed => Style::new(),
                outcome => style(outcome),
            };
            text.push(self.row(style, table, texts, &widths));
        }
        text.concat()
    }

    fn row(self, style: Style, table: &Table, texts: &[String], widths: &[usize]) -> String {
        let mut line = Vec::new();
        for ((text, width), column) in texts.iter().zip(widths).zip(&table.columns) {
            let width = *width;
            if column.number {
                line.push(format!("{text:>width$}   "));
            } else {
                line.push(format!("{text:<width$}   "));
            }
        }
        format!("  {}\n", self.paint(style, line.concat().trim_end()))
    }

    /// A line with a label in front.
    fn line(self, label: &str, style: Style, text: &str) -> String {
        let label = visible(label);
        let gap = " ".repeat(LABEL.saturating_sub(label.chars().count()) + 2);
        let line = format!("{}{gap}{}", self.paint(style, &label), visible(text));
        format!("{}\n", line.trim_end())
    }

    fn outcome(self, outcome: Outcome) -> String {
        self.paint(style(outcome), outcome.word())
    }

    fn paint(self, style: Style, text: &str) -> String {
        let text = visible(text);
        match self.colour {
            Colour::Always => format!("{style}{text}{style:#}"),
            Colour::Never => text.into_owned(),
        }
    }
}

fn style(outcome: Outcome) -> Style {
    let colour = match outcome {
        Outcome::Passed => AnsiColor::Green,
        Outcome::Skipped => AnsiColor::Cyan,
        Outcome::Incomplete => AnsiColor::Yellow,
        Outcome::Failed | Outcome::Error => AnsiColor::Red,
    };
    Style::new().bold().fg_color(Some(colour.into()))
}

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const WARN: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Yellow)));

/// Characters that labels are filled up to.
const LABEL: usize = 9;
/// Nodes that are told one by one.
const SHOWN_NODES: usize = 6;
/// Problems that are told; the reports have all.
const SHOWN_PROBLEMS: usize = 10;
/// Lines that are told of each.
const SHOWN_DETAILS: usize = 12;
