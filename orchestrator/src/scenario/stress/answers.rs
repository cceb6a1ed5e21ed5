//! Answers to the labs' questions about their tables: which pool model is faster and steadier, and the effect
//! of more workers, more clients and longer files.
//!
//! Two settings are compared over the rows that are alike in all else, by the geometric mean of the
//! ratios of their times, so that a row of minutes counts no more than one of milliseconds.

use std::collections::BTreeSet;

use crate::number::{count, plain};
use crate::report::model::StressRow;

/// A sentence for each question that the rows can answer. Times are compared where every client did it:
/// who is left of many has the server to himself.
pub fn answers(rows: &[StressRow]) -> Vec<String> {
    let timed: Vec<StressRow> = rows
        .iter()
        .filter(|row| row.avg_time_s > 0.0 && row.client_fail == 0)
        .cloned()
        .collect();
    let questions = [
        fastest(&timed),
        steadiest(rows),
        server_workers(&timed),
        clients(&timed),
        sizes(&timed),
        operations(&timed),
        against_published(rows),
        left_out(rows.len() - timed.len()),
    ];
    questions.into_iter().flatten().collect()
}

/// Which pool model is the fastest.
fn fastest(rows: &[StressRow]) -> Option<String> {
    let models = distinct(rows, model);
    let first = models.first()?;
    let against = |of: &String| compare(rows, (model, first, of), but_model, time);
    let mut times: Vec<(f64, usize, &String)> = vec![(1.0, 0, first)];
    for other in models.iter().skip(1) {
        let (ratio, pairs) = against(other)?;
        times.push((ratio, pairs, other));
    }
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    let ((best, _, fastest), others) = times.split_first()?;
    let pairs = times.iter().map(|(_, pairs, _)| *pairs).max()?;
    let others = others
        .iter()
        .map(|(ratio, _, model)| format!("{model} takes {} times as long", plain(ratio / best)));
    let others: Vec<String> = others.collect();
    (!others.is_empty()).then(|| {
        let others = others.join(", ");
        let cells = cells(pairs);
        format!("Fastest pool model: {fastest}; {others} (geometric mean over {cells} alike)")
    })
}

/// Which pool model is the steadiest: how much longer the slowest client takes than the median one.
fn steadiest(rows: &[StressRow]) -> Option<String> {
    let models = distinct(rows, model);
    if models.len() < 2 {
        return None;
    }
    let mut spreads = Vec::new();
    for name in models {
        let its = || rows.iter().filter(|row| model(row) == name);
        let of = its().filter(|row| row.client_workers > 1 && row.p50_s > 0.0);
        let spread = geometric(of.map(|row| row.max_s / row.p50_s))?.0;
        let failed: u32 = its().map(|row| row.client_fail).sum();
        spreads.push((failed, spread, name));
    }
    spreads.sort_by(|a, b| {
        (a.0, a.1)
            .partial_cmp(&(b.0, b.1))
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    let said = spreads.iter().map(|(failed, spread, name)| {
        let failed = match failed {
            0 => "no client failed".to_owned(),
            some => format!("{} failed", clients_word(u64::from(*some))),
        };
        format!(
            "{name} ({failed}, the slowest of several clients takes {} times the median)",
            plain(*spread)
        )
    });
    let said: Vec<String> = said.collect();
    Some(format!(
        "Steadiest pool model, best first: {}",
        said.join(", ")
    ))
}

/// Describes the effect of more workers of the server, for each number of clients.
fn server_workers(rows: &[StressRow]) -> Option<String> {
    let of = |row: &StressRow| row.server_workers.unwrap_or(0);
    let rest = |row: &StressRow| {
        (
            model(row),
            row.operation.clone(),
            megabytes(row),
            row.client_workers,
        )
    };
    let workers = distinct(rows, of);
    let base = *workers.first()?;
    let mut said = Vec::new();
    for more in workers.iter().skip(1) {
        let mut by_clients = Vec::new();
        for clients in distinct(rows, |row| row.client_workers) {
            let alike: Vec<StressRow> = rows
                .iter()
                .filter(|row| row.client_workers == clients)
                .cloned()
                .collect();
            let Some((ratio, _)) = compare(&alike, (of, &base, more), rest, time) else {
                continue;
            };
            by_clients.push(format!(
                "{} with {}",
                plain(ratio),
                clients_word(clients.into())
            ));
        }
        if !by_clients.is_empty() {
            said.push(format!("{more} workers: {}", by_clients.join(", ")));
        }
    }
    (!said.is_empty()).then(|| {
        let base = if base == 1 {
            "1 worker".to_owned()
        } else {
            format!("{base} workers")
        };
        format!(
            "Time a client as a multiple of that with {base} of the server: {}",
            said.join("; ")
        )
    })
}

/// Describes the effect of more clients.
fn clients(rows: &[StressRow]) -> Option<String> {
    let of = |row: &StressRow| row.client_workers;
    let rest = |row: &StressRow| {
        (
            model(row),
            row.operation.clone(),
            megabytes(row),
            row.server_workers,
        )
    };
    let numbers = distinct(rows, of);
    let base = *numbers.first()?;
    let mut said = Vec::new();
    for more in numbers.iter().skip(1) {
        let (time, _) = compare(rows, (of, &base, more), rest, time)?;
        let (all, _) = compare(rows, (of, &base, more), rest, |row| row.all_bytes_per_s)?;
        let (time, all) = (plain(time), plain(all));
        said.push(format!(
            "{more} clients: {time} times the time of each, {all} times the bytes a second of all"
        ));
    }
    (!said.is_empty())
        .then(|| format!("Against {}: {}", clients_word(base.into()), said.join("; ")))
}

/// Describes the effect of longer files.
fn sizes(rows: &[StressRow]) -> Option<String> {
    let rest = |row: &StressRow| {
        (
            model(row),
            row.operation.clone(),
            row.client_workers,
            row.server_workers,
        )
    };
    let sizes = distinct(rows, megabytes);
    let base = *sizes.first()?;
    let mut said = Vec::new();
    for more in sizes.iter().skip(1) {
        let (ratio, _) = compare(rows, (megabytes, &base, more), rest, time)?;
        said.push(format!(
            "{} MB: {} times the time",
            thousandths(*more),
            plain(ratio)
        ));
    }
    (!said.is_empty()).then(|| {
        format!(
            "Against files of {} MB: {}",
            thousandths(base),
            said.join("; ")
        )
    })
}

/// Whether downloads are faster than uploads.
fn operations(rows: &[StressRow]) -> Option<String> {
    let of = |row: &StressRow| row.operation.clone();
    let rest = |row: &StressRow| {
        (
            model(row),
            megabytes(row),
            row.client_workers,
            row.server_workers,
        )
    };
    let (up, down) = ("upload".to_owned(), "download".to_owned());
    let (ratio, pairs) = compare(rows, (of, &up, &down), rest, time)?;
    let (ratio, cells) = (plain(ratio), cells(pairs));
    Some(format!(
        "A download takes {ratio} times the time of an upload (over {cells} alike)"
    ))
}

/// Compares the table with the published one.
fn against_published(rows: &[StressRow]) -> Option<String> {
    let ratios = || rows.iter().filter_map(|row| row.ratio);
    let (mean, cells_) = geometric(ratios())?;
    let least = ratios().fold(f64::INFINITY, f64::min);
    let most = ratios().fold(0.0, f64::max);
    let there = rows.iter().filter_map(|row| row.published.as_ref());
    let failed: u32 = there.filter_map(|published| published.clients_failed).sum();
    let ours = rows.iter().filter(|row| row.published.is_some());
    let ours: u32 = ours.map(|row| row.client_fail).sum();
    let percent = |ratio: f64| format!("{} %", plain(100.0 * ratio));
    Some(format!(
        "Against what was published: {} of the time a client (geometric mean over {}), from {} to {}; \
         clients failed: {} here, {} there",
        percent(mean),
        cells(cells_),
        percent(least),
        percent(most),
        count(ours.into()),
        count(failed.into()),
    ))
}

/// Tells how many rows were left out where times are compared.
fn left_out(rows: usize) -> Option<String> {
    (rows > 0).then(|| {
        let cells = cells(rows);
        format!("Left out where times are compared: {cells} in which clients failed")
    })
}

/// The geometric mean of what a figure is with one value of an axis by what it is with another, over
/// the rows that are alike in `rest`, and how many such pairs there are; none where there is none.
fn compare<A: PartialEq, R: PartialEq>(
    rows: &[StressRow],
    (axis, base, other): (impl Fn(&StressRow) -> A, &A, &A),
    rest: impl Fn(&StressRow) -> R,
    figure: impl Fn(&StressRow) -> f64,
) -> Option<(f64, usize)> {
    let with =
        |value: &A| -> Vec<&StressRow> { rows.iter().filter(|row| axis(row) == *value).collect() };
    let (base, other) = (with(base), with(other));
    let ratios = other.iter().filter_map(|row| {
        let same = base.iter().find(|candidate| rest(candidate) == rest(row))?;
        Some(figure(row) / figure(same))
    });
    geometric(ratios)
}

/// The geometric mean, and of how many; none of nothing.
#[expect(clippy::cast_precision_loss, reason = "a count of cells")]
fn geometric(ratios: impl Iterator<Item = f64>) -> Option<(f64, usize)> {
    let logarithms = ratios.filter(|ratio| ratio.is_finite() && *ratio > 0.0);
    let logarithms: Vec<f64> = logarithms.map(f64::ln).collect();
    let count = logarithms.len();
    (count > 0).then(|| ((logarithms.iter().sum::<f64>() / count as f64).exp(), count))
}

fn distinct<T: Ord>(rows: &[StressRow], of: impl Fn(&StressRow) -> T) -> Vec<T> {
    let values: BTreeSet<T> = rows.iter().map(of).collect();
    values.into_iter().collect()
}

/// The server's model, with the clients' where that is another.
fn model(row: &StressRow) -> String {
    match &row.server_model {
        Some(server) if *server == row.client_model => server.clone(),
        Some(server) => format!("{server} with {} clients", row.client_model),
        None => format!("own with {} clients", row.client_model),
    }
}

/// Everything but the models.
fn but_model(row: &StressRow) -> (String, u64, u32, Option<u32>) {
    let workers = (row.client_workers, row.server_workers);
    (row.operation.clone(), megabytes(row), workers.0, workers.1)
}

fn time(row: &StressRow) -> f64 {
    row.avg_time_s
}

/// Thousandths of megabytes, which can be told equal.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sizes are positive and far below 2^52"
)]
fn megabytes(row: &StressRow) -> u64 {
    (row.size_mb * 1000.0).round() as u64
}

#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
fn thousandths(value: u64) -> String {
    plain(value as f64 / 1000.0)
}

fn clients_word(clients: u64) -> String {
    crate::number::counted(clients, "client")
}

fn cells(number: usize) -> String {
    crate::number::counted(number as u64, "cell")
}

#[cfg(test)]
mod tests {
    use crate::report::model::{CellReport, StressReport};
    use crate::scenario::stress::summary::{summarize, tests::figures};

    /// A cell that takes so many seconds a client.
    fn cell(number: usize, seconds: f64, change: impl Fn(&mut StressReport)) -> CellReport {
        let mut figures = figures(seconds, 5);
        change(&mut figures);
        CellReport {
            number,
            stress: Some(figures),
            ..CellReport::default()
        }
    }

    #[test]
    fn the_labs_questions_are_answered_from_the_rows() {
        let process = |figures: &mut StressReport| {
            figures.server_model = Some("process".to_owned());
            figures.client_model = "process".to_owned();
        };
        let failing = |figures: &mut StressReport| {
            process(figures);
            figures.server_workers = Some(5);
            figures.clients_failed = 2;
        };
        let cells = [
            cell(1, 2.0, |_| {}),
            cell(2, 1.0, |figures| figures.server_workers = Some(50)),
            cell(3, 1.0, process),
            cell(4, 0.5, |figures| figures.operation = "download".to_owned()),
            cell(5, 8.0, |figures| figures.size *= 5),
            cell(6, 6.0, |figures| figures.client_workers = 50),
            cell(7, 0.01, failing),
        ];
        let said = summarize(&cells).unwrap().answers;
        assert_eq!(
            said,
            [
                "Fastest pool model: process; thread takes 2 times as long (geometric mean over 1 cell alike)",
                "Steadiest pool model, best first: thread (no client failed, the slowest of several clients \
                 takes 1 times the median), process (2 clients failed, the slowest of several clients takes 1 \
                 times the median)",
                "Time a client as a multiple of that with 1 worker of the server: 50 workers: 0.50 with 5 clients",
                "Against 5 clients: 50 clients: 3.00 times the time of each, 0.33 times the bytes a second of all",
                "Against files of 10 MB: 50 MB: 4 times the time",
                "A download takes 0.25 times the time of an upload (over 1 cell alike)",
                "Against what was published: 47.7 % of the time a client (geometric mean over 6 cells), from \
                 12.5 % to 200 %; clients failed: 2 here, 0 there",
                "Left out where times are compared: 1 cell in which clients failed",
            ]
        );
    }

    #[test]
    fn server_workers_are_compared_for_each_number_of_clients() {
        let cells = [
            cell(1, 2.0, |_| {}),
            cell(2, 1.0, |figures| figures.server_workers = Some(50)),
        ];
        let said = summarize(&cells).unwrap().answers;
        assert_eq!(
            said[0],
            "Time a client as a multiple of that with 1 worker of the server: 50 workers: 0.50 with 5 clients"
        );
    }

    #[test]
    fn one_cell_answers_nothing_but_how_it_was_published() {
        let said = summarize(&[cell(1, 2.0, |_| {})]).unwrap().answers;
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].starts_with("Against what was published: 50 % of the time"));
        let unknown = cell(1, 2.0, |figures| figures.published = None);
        assert!(summarize(&[unknown]).unwrap().answers.is_empty());
    }
}
