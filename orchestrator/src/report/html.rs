//! The run as one page without outside references, from the templates in `assets/`.

use askama::Template;

use crate::number::counted;

use super::model::{RunReport, ScenarioReport};
use super::plain_text::visible;
use super::problem::{Problem, heading, problems};
use super::steps::{Steps, steps_tables};
use super::stress::{answers, stress_tables};
use super::tasks::{Tasks, bad_links, lesson, tasks};
use super::verdict::verdict;
use super::view::{self, Table, captures_table, files_table, summary_table};

/// The report as HTML. Every text is escaped; control characters are written out.
///
/// # Errors
/// The template engine's.
pub fn render(report: &RunReport) -> Result<String, askama::Error> {
    let problems = problems(report);
    let page = Page {
        word: report.outcome.word(),
        verdict: verdict(report),
        size: view::size(report.nodes.len(), report.segments),
        problems_title: heading(&problems),
        problems,
        sections: report.scenarios.iter().map(Section::of).collect(),
        captures: captures_table(report),
        times: times(report),
        cpus: counted(report.host.cpus as u64, "CPU"),
        css: CSS,
        report,
    };
    let html = page.render()?;
    let lines = html.lines().filter(|line| !line.is_empty());
    Ok(lines
        .flat_map(|line| [visible(line), "\n".into()])
        .collect())
}

/// The page. Sections that later reports bring are fields here and files in `assets/report/`.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a RunReport,
    word: &'static str,
    verdict: String,
    size: String,
    problems: Vec<Problem>,
    problems_title: &'static str,
    sections: Vec<Section<'a>>,
    captures: Option<Table>,
    times: [Time; 4],
    cpus: String,
    css: &'static str,
}

/// A scenario's part of the page.
struct Section<'a> {
    scenario: &'a ScenarioReport,
    summary: Option<Table>,
    stress: Vec<(String, Table)>,
    answers: &'a [String],
    steps: Vec<Steps>,
    lesson: Vec<String>,
    bad_links: Vec<String>,
    tasks: Vec<Tasks>,
    files: Option<Table>,
    files_title: String,
}

impl<'a> Section<'a> {
    fn of(scenario: &'a ScenarioReport) -> Self {
        let files = files_table(scenario);
        let rows = files.as_ref().map_or(0, |t| t.rows.len());
        Self {
            scenario,
            summary: summary_table(scenario),
            stress: stress_tables(scenario),
            answers: answers(scenario),
            steps: steps_tables(scenario),
            lesson: lesson(scenario),
            bad_links: bad_links(scenario),
            tasks: tasks(scenario),
            files,
            files_title: counted(rows as u64, "file"),
        }
    }
}

/// A stretch of the run.
struct Time {
    name: &'static str,
    /// Its share of the whole, from 0 to 1.
    share: f64,
    text: String,
}

fn times(report: &RunReport) -> [Time; 4] {
    let timings = &report.timings;
    let whole = timings.raise + timings.ready + timings.run + timings.down;
    [
        ("raise", timings.raise),
        ("ready", timings.ready),
        ("run", timings.run),
        ("down", timings.down),
    ]
    .map(|(name, value)| Time {
        name,
        // A run without any time has a bar without any parts.
        share: if whole > 0.0 { value / whole } else { 0.0 },
        text: view::phase(value),
    })
}

const CSS: &str = include_str!("../../assets/report.css");
