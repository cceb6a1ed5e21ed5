//! The table of clients at a file server, as the original labs made it, and as CSV.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::number;

use super::model::{Outcome, ScenarioReport, StressRow, StressSummary};
use super::view::{Row, Table};

/// The tables of a scenario, one for each pool model with its name; none where it had no clients at a
/// file server.
pub fn stress_tables(scenario: &ScenarioReport) -> Vec<(String, Table)> {
    let Some(figures) = &scenario.stress else {
        return Vec::new();
    };
    let mut models: Vec<String> = Vec::new();
    for row in &figures.rows {
        let model = model(row);
        if !models.contains(&model) {
            models.push(model);
        }
    }
    let of = |name: String| {
        let rows = figures.rows.iter().filter(|row| model(row) == name);
        let table = table(scenario, figures, rows);
        (name, table)
    };
    models.into_iter().map(of).collect()
}

/// Returns the conclusions from the table, a sentence each; empty where there is none.
pub fn answers(scenario: &ScenarioReport) -> &[String] {
    let figures = scenario.stress.as_ref();
    figures.map_or(&[], |figures| &figures.answers)
}

/// The table as CSV (RFC 4180), with all columns that report.json has; none where there is none.
pub fn csv(scenario: &ScenarioReport) -> Option<String> {
    let figures = scenario.stress.as_ref()?;
    let axes = own_axes(scenario, figures);
    let titles: Vec<&str> = COLUMNS.into_iter().chain(axes.iter().copied()).collect();
    let mut text = titles.join(",") + "\r\n";
    for row in &figures.rows {
        let published = row.published.as_ref();
        let figure = |value: f64| or_empty(has_times(row).then_some(value));
        let mut fields = vec![
            row.no.to_string(),
            row.operation.clone(),
            row.size_mb.to_string(),
            row.client_workers.to_string(),
            or_empty(row.server_workers),
            figure(row.avg_time_s),
            figure(row.throughput_bytes_per_s),
            row.client_success.to_string(),
            row.client_fail.to_string(),
            or_empty(row.server_model.clone()),
            row.client_model.clone(),
            row.runs.to_string(),
            or_empty(row.avg_time_ci95_s),
            or_empty(row.throughput_ci95_bytes_per_s),
            figure(row.p50_s),
            figure(row.p90_s),
            figure(row.p99_s),
            figure(row.max_s),
            figure(row.all_bytes_per_s),
            or_empty(row.server_workers_ok),
            or_empty(row.server_workers_failed),
            or_empty(published.map(|published| published.row)),
            or_empty(published.map(|published| published.seconds)),
            or_empty(published.and_then(|published| published.bytes_per_s)),
            or_empty(published.and_then(|published| published.clients_ok)),
            or_empty(published.and_then(|published| published.clients_failed)),
            or_empty(row.ratio),
        ];
        fields.extend(axes.iter().map(|axis| quoted(param(scenario, row, axis))));
        // Writing into a string cannot fail, and no other field has a comma.
        let _ = write!(text, "{}\r\n", fields.join(","));
    }
    Some(text)
}

fn table<'a>(
    scenario: &ScenarioReport,
    figures: &StressSummary,
    rows: impl Iterator<Item = &'a StressRow>,
) -> Table {
    let repeated = figures.rows.iter().any(|row| row.avg_time_ci95_s.is_some());
    let told = figures
        .rows
        .iter()
        .any(|row| row.server_workers_ok.is_some());
    let published = figures.rows.iter().any(|row| row.published.is_some());
    let number = |title: &str| (title.to_owned(), true);
    let mut columns = vec![number("No"), ("Operation".to_owned(), false)];
    let axes = own_axes(scenario, figures);
    columns.extend(axes.iter().map(|axis| ((*axis).to_owned(), false)));
    columns.extend(
        [
            "Size(MB)",
            "Client Workers",
            "Server workers",
            "Avg Time(s)",
        ]
        .map(number),
    );
    columns.extend(["Throughput(B/s)", "Client Success", "Client Fail"].map(number));
    columns.extend(repeated.then(|| number("Runs")));
    columns.extend(repeated.then(|| number("±95 %(s)")));
    columns.extend(["p50(s)", "p99(s)"].map(number));
    columns.extend(told.then(|| number("Server ok/failed")));
    columns.extend(published.then(|| number("Published(s)")));
    columns.extend(published.then(|| number("Ratio")));
    let mut table = Table::new(columns);
    for row in rows {
        let mut texts = vec![row.no.to_string(), row.operation.clone()];
        texts.extend(
            axes.iter()
                .map(|axis| param(scenario, row, axis).to_owned()),
        );
        texts.push(number::plain(row.size_mb));
        texts.push(row.client_workers.to_string());
        texts.push(or_dash(row.server_workers));
        let time = |value: f64| or_dash(has_times(row).then(|| seconds(value)));
        let rate = has_times(row).then(|| format!("{:.0}", row.throughput_bytes_per_s));
        texts.extend([time(row.avg_time_s), or_dash(rate)]);
        texts.extend([row.client_success.to_string(), row.client_fail.to_string()]);
        texts.extend(repeated.then(|| row.runs.to_string()));
        texts.extend(repeated.then(|| or_dash(row.avg_time_ci95_s.map(seconds))));
        texts.extend([time(row.p50_s), time(row.p99_s)]);
        let workers = row.server_workers_ok.zip(row.server_workers_failed);
        let workers = workers.map(|(ok, failed)| format!("{ok}/{failed}"));
        texts.extend(told.then(|| or_dash(workers)));
        let there = row.published.as_ref().map(|published| published.seconds);
        texts.extend(published.then(|| or_dash(there.map(number::plain))));
        let ratio = row
            .ratio
            .map(|ratio| format!("{} %", number::plain(100.0 * ratio)));
        texts.extend(published.then(|| or_dash(ratio)));
        let outcome = outcome(scenario, row);
        table.rows.push(Row { outcome, texts });
    }
    table
}

/// The parameters that tell rows apart which are alike in all of the labs' columns.
fn own_axes<'a>(scenario: &'a ScenarioReport, figures: &StressSummary) -> Vec<&'a str> {
    let names = scenario.cells.iter().flat_map(|cell| cell.params.keys());
    let names: BTreeSet<&str> = names.map(String::as_str).collect();
    let mut values: BTreeMap<_, &str> = BTreeMap::new();
    let mut tells_apart = |name: &'a str| {
        figures.rows.iter().any(|row| {
            let value = param(scenario, row, name);
            *values.entry((name, labs_columns(row))).or_insert(value) != value
        })
    };
    let mut axes = Vec::new();
    for name in names {
        if tells_apart(name) {
            axes.push(name);
        }
    }
    axes
}

/// Returns the settings of a row that have columns in the labs' own tables.
fn labs_columns(row: &StressRow) -> (&str, u64, u32, Option<u32>, Option<&str>, &str) {
    (
        &row.operation,
        row.size_mb.to_bits(),
        row.client_workers,
        row.server_workers,
        row.server_model.as_deref(),
        &row.client_model,
    )
}

/// The value of a parameter in a row; empty where it has none.
fn param<'a>(scenario: &'a ScenarioReport, row: &StressRow, name: &str) -> &'a str {
    let cell = scenario.cells.iter().find(|cell| cell.number == row.no);
    cell.and_then(|cell| cell.params.get(name))
        .map_or("", String::as_str)
}

/// A field that may hold anything (RFC 4180).
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// The worst of the cells that a row is made of.
fn outcome(scenario: &ScenarioReport, row: &StressRow) -> Outcome {
    let cells = scenario.cells.iter().filter(|cell| cell.number == row.no);
    let worst = cells.map(|cell| cell.outcome).max();
    worst.unwrap_or_default()
}

/// Whether any client did it: without one there is no time.
fn has_times(row: &StressRow) -> bool {
    row.client_success > 0
}

/// Returns the name of the table that a row belongs to.
fn model(row: &StressRow) -> String {
    let server = row.server_model.as_deref();
    match server {
        Some(server) if server == row.client_model => format!("Server and clients: {server}"),
        server => {
            let server = server.unwrap_or("a program of one's own");
            format!("Server: {server}, clients: {}", row.client_model)
        }
    }
}

/// Seconds to the tenth of a millisecond, as numbers that line up.
fn seconds(value: f64) -> String {
    format!("{value:.4}")
}

fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| value.to_string())
}

fn or_empty<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// The columns of the CSV: the labs' own first, in their order and words.
const COLUMNS: [&str; 27] = [
    "No",
    "Operation",
    "Size(MB)",
    "Client Workers",
    "Server workers",
    "Avg Time(s)",
    "Throughput(B/s)",
    "Client Success",
    "Client Fail",
    "Server Model",
    "Client Model",
    "Runs",
    "Avg Time CI95(s)",
    "Throughput CI95(B/s)",
    "p50(s)",
    "p90(s)",
    "p99(s)",
    "Max(s)",
    "Throughput All(B/s)",
    "Server Workers ok",
    "Server Workers failed",
    "Published No",
    "Published Avg Time(s)",
    "Published Throughput(B/s)",
    "Published Client Success",
    "Published Client Fail",
    "Ratio",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::model::{CellReport, PublishedFigures};

    fn row(no: usize, model: &str) -> StressRow {
        StressRow {
            no,
            operation: "upload".to_owned(),
            size_mb: 10.0,
            client_workers: 5,
            server_workers: Some(1),
            avg_time_s: 0.125,
            throughput_bytes_per_s: 83_886_080.0,
            client_success: 5,
            client_fail: 0,
            server_model: Some(model.to_owned()),
            client_model: model.to_owned(),
            runs: 1,
            avg_time_ci95_s: None,
            throughput_ci95_bytes_per_s: None,
            p50_s: 0.12,
            p90_s: 0.13,
            p99_s: 0.14,
            max_s: 0.15,
            all_bytes_per_s: 4e8,
            server_workers_ok: Some(1),
            server_workers_failed: Some(0),
            published: None,
            ratio: None,
        }
    }

    fn scenario(rows: Vec<StressRow>) -> ScenarioReport {
        let cell = |number, outcome| CellReport {
            number,
            outcome,
            ..CellReport::default()
        };
        ScenarioReport {
            cells: vec![
                cell(1, Outcome::Passed),
                cell(2, Outcome::Passed),
                cell(2, Outcome::Failed),
            ],
            stress: Some(StressSummary {
                rows,
                answers: Vec::new(),
            }),
            ..ScenarioReport::default()
        }
    }

    fn titles(table: &Table) -> String {
        let titles: Vec<&str> = table
            .columns
            .iter()
            .map(|column| column.title.as_str())
            .collect();
        titles.join(", ")
    }

    #[test]
    fn each_model_has_its_table_in_the_labs_columns() {
        let tables = stress_tables(&scenario(vec![row(1, "thread"), row(2, "process")]));
        let names: Vec<_> = tables.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            ["Server and clients: thread", "Server and clients: process"]
        );
        assert_eq!(
            titles(&tables[0].1),
            "No, Operation, Size(MB), Client Workers, Server workers, Avg Time(s), Throughput(B/s), \
             Client Success, Client Fail, p50(s), p99(s), Server ok/failed"
        );
        assert_eq!(
            tables[0].1.rows[0].texts.join(" "),
            "1 upload 10 5 1 0.1250 83886080 5 0 0.1200 0.1400 1/0"
        );
        assert_eq!(tables[0].1.rows[0].outcome, Outcome::Passed);
        assert_eq!(tables[1].1.rows[0].outcome, Outcome::Failed);
    }

    #[test]
    fn what_was_published_and_how_sure_a_mean_is_are_columns_where_they_are_known() {
        let known = StressRow {
            runs: 3,
            avg_time_ci95_s: Some(0.0125),
            published: Some(PublishedFigures {
                row: 2,
                seconds: 6.39,
                bytes_per_s: Some(2_210_786.94),
                clients_ok: Some(5),
                clients_failed: None,
            }),
            ratio: Some(0.125 / 6.39),
            ..row(2, "thread")
        };
        let scenario = scenario(vec![row(1, "thread"), known]);
        let (_, table) = &stress_tables(&scenario)[0];
        assert!(titles(table).contains("Client Fail, Runs, ±95 %(s), p50(s)"));
        assert!(titles(table).ends_with("Published(s), Ratio"));
        let texts = |row: usize| table.rows[row].texts.join(" ");
        assert!(
            texts(0).ends_with("1 – 0.1200 0.1400 1/0 – –"),
            "{}",
            texts(0)
        );
        assert!(
            texts(1).ends_with("3 0.0125 0.1200 0.1400 1/0 6.39 1.96 %"),
            "{}",
            texts(1)
        );
        let csv = csv(&scenario).unwrap();
        let lines: Vec<&str> = csv.split("\r\n").collect();
        let fields = |line: &str| line.split(',').count();
        assert!(
            lines[0]
                .starts_with("No,Operation,Size(MB),Client Workers,Server workers,Avg Time(s),")
        );
        assert!(
            lines[2].starts_with("2,upload,10,5,1,0.125,83886080,5,0,thread,thread,3,0.0125,,")
        );
        assert_eq!(
            lines
                .iter()
                .take(3)
                .map(|line| fields(line))
                .collect::<Vec<_>>(),
            [27; 3]
        );
        assert_eq!((lines.len(), lines[3]), (4, ""));
    }

    #[test]
    fn an_axis_that_the_labs_did_not_have_is_a_column() {
        let mut scenario = scenario(vec![row(1, "thread"), row(2, "thread")]);
        for (cell, mode) in scenario.cells.iter_mut().zip(["one", "a,b"]) {
            cell.params.insert("mode".to_owned(), mode.to_owned());
            cell.params.insert("op".to_owned(), "upload".to_owned());
        }
        let (_, table) = &stress_tables(&scenario)[0];
        assert!(titles(table).starts_with("No, Operation, mode, Size(MB)"));
        assert!(table.rows[1].texts.join(" ").starts_with("2 upload a,b 10"));
        let csv = csv(&scenario).unwrap();
        let lines: Vec<&str> = csv.split("\r\n").collect();
        assert!(lines[0].ends_with(",Ratio,mode"), "{csv}");
        assert!(
            lines[1].ends_with(",one") && lines[2].ends_with(",\"a,b\""),
            "{csv}"
        );
    }

    #[test]
    fn a_row_in_which_no_client_did_it_has_no_times() {
        let failed = StressRow {
            client_success: 0,
            client_fail: 5,
            ..row(1, "thread")
        };
        let scenario = scenario(vec![failed]);
        let (_, table) = &stress_tables(&scenario)[0];
        let texts = table.rows[0].texts.join(" ");
        assert_eq!(texts, "1 upload 10 5 1 – – 0 5 – – 1/0");
        let csv = csv(&scenario).unwrap();
        assert!(csv.contains("1,upload,10,5,1,,,0,5,thread,"), "{csv}");
    }

    #[test]
    fn a_scenario_without_clients_has_no_table() {
        let scenario = ScenarioReport::default();
        assert!(stress_tables(&scenario).is_empty() && csv(&scenario).is_none());
        assert!(answers(&scenario).is_empty());
    }
}
