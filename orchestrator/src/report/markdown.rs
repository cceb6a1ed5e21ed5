//! The run as Markdown (GitHub's flavour): verdict first, then what is wrong, then tables.

use super::model::{RunReport, ScenarioReport};
use super::plain_text::visible;
use super::problem::{self, problems};
use super::steps::steps_tables;
use super::stress::{answers, stress_tables};
use super::tasks::{bad_links, lesson, tasks};
use super::verdict::verdict;
use super::view::{self, Table, captures_table, files_table, summary_table};

/// The report as Markdown.
pub fn render(report: &RunReport) -> String {
    let sections = [
        heading(report),
        wrong(report),
        picture(report),
        report.scenarios.iter().map(scenario).collect(),
        captures(report),
        machine(report),
    ];
    sections.concat()
}

fn heading(report: &RunReport) -> String {
    let word = report.outcome.word();
    let mut text = vec![format!(
        "# {}: {word}\n\n**{}**\n\n",
        safe(&report.lab),
        safe(&verdict(report))
    )];
    if let Some(summary) = &report.summary {
        text.push(format!("{}\n\n", safe(summary)));
    }
    text.push(format!(
        "{} · {} · seed `{}` · {}\n\n",
        safe(&report.backend),
        view::size(report.nodes.len(), report.segments),
        code(&report.seed),
        safe(&report.started)
    ));
    for warning in &report.warnings {
        text.push(format!("> **Warning:** {}\n\n", safe(warning)));
    }
    text.concat()
}

fn wrong(report: &RunReport) -> String {
    let found = problems(report);
    if found.is_empty() {
        return String::new();
    }
    let mut text = vec![format!("## {}\n\n", problem::heading(&found))];
    for problem in found {
        let (place, title) = (safe(&problem.place), safe(&problem.title));
        text.push(format!("- **{title}** ({place})\n"));
        for detail in &problem.details {
            text.push(format!("  - {}\n", safe(detail)));
        }
    }
    text.push("\n".to_owned());
    text.concat()
}

fn picture(report: &RunReport) -> String {
    let mermaid = report.picture.mermaid.trim_end();
    if mermaid.is_empty() {
        return String::new();
    }
    // A fence longer than any run of backticks inside cannot be closed from inside.
    let longest = mermaid.split(|c| c != '`').map(str::len).max();
    let fence = "`".repeat(longest.unwrap_or(0).max(2) + 1);
    format!("## Topology\n\n{fence}mermaid\n{mermaid}\n{fence}\n\n")
}

fn scenario(scenario: &ScenarioReport) -> String {
    let word = scenario.outcome.word();
    let mut text = vec![format!("## {}: {word}\n\n", safe(&scenario.name))];
    for line in [Some(&scenario.headline), scenario.reason.as_ref()] {
        if let Some(line) = line.filter(|l| !l.is_empty()) {
            text.push(format!("{}\n\n", safe(line)));
        }
    }
    text.push(summary_table(scenario).map_or_else(String::new, |t| table(&t)));
    for (title, rows) in stress_tables(scenario) {
        text.push(format!("### {}\n\n{}", safe(&title), table(&rows)));
    }
    for answer in answers(scenario) {
        text.push(format!("- {}\n", safe(answer)));
    }
    text.push("\n".repeat(usize::from(!answers(scenario).is_empty())));
    for lines in [lesson(scenario), bad_links(scenario)] {
        let items = lines.iter().map(|line| format!("- {}\n", safe(line)));
        text.extend(items);
        text.push("\n".repeat(usize::from(!lines.is_empty())));
    }
    for proof in &scenario.proofs {
        let word = proof.outcome.word();
        let (name, summary) = (safe(&proof.name), safe(&proof.summary));
        text.push(format!("{name}: **{word}**, {summary}\n\n"));
    }
    for steps in steps_tables(scenario) {
        let title = safe(&steps.title);
        text.push(format!("### {title}\n\n{}", table(&steps.table)));
    }
    for tasks in tasks(scenario) {
        let (cell, run) = (safe(&tasks.cell), safe(&tasks.run));
        text.push(format!(
            "### Tasks {cell}\n\n{run}\n\n{}",
            table(&tasks.table)
        ));
    }
    if let Some(files) = files_table(scenario) {
        text.push(format!("### Files\n\n{}", table(&files)));
    }
    text.concat()
}

fn captures(report: &RunReport) -> String {
    captures_table(report).map_or_else(String::new, |t| format!("## Captures\n\n{}", table(&t)))
}

fn machine(report: &RunReport) -> String {
    let (host, timings) = (&report.host, &report.timings);
    format!(
        "## Machine and time\n\norchestrator {} on Linux {}, {}, {} CPUs\n\nraise {} · ready {} · run {} · down {}\n",
        safe(&host.orchestrator),
        safe(&host.kernel),
        safe(&host.architecture),
        host.cpus,
        view::phase(timings.raise),
        view::phase(timings.ready),
        view::phase(timings.run),
        view::phase(timings.down),
    )
}

fn table(table: &Table) -> String {
    let row = |texts: Vec<String>| format!("| {} |\n", texts.join(" | "));
    let titles = table.columns.iter().map(|c| safe(&c.title)).collect();
    let rule = |number| if number { "---:" } else { "---" }.to_owned();
    let mut text = vec![row(titles)];
    text.push(row(table.columns.iter().map(|c| rule(c.number)).collect()));
    for line in &table.rows {
        text.push(row(line.texts.iter().map(|t| safe(t)).collect()));
    }
    text.push("\n".to_owned());
    text.concat()
}

/// `text` as text: whatever Markdown or HTML would make of it is escaped.
fn safe(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '&' => escaped += "&amp;",
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' => {
                escaped.push('\\');
                escaped.push(character);
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

/// `text` inside a code span.
fn code(text: &str) -> String {
    visible(text).replace('`', "'")
}
