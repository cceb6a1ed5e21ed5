//! The cells of a scenario as the labs' table.

use std::collections::BTreeMap;

use crate::report::model::{CellReport, StressReport, StressRow, StressSummary};

use super::answers::answers;
use super::interval::mean;

/// A row for each combination of the matrix, in its order, and what they tell; none where no cell had
/// clients at a file server.
pub fn summarize(cells: &[CellReport]) -> Option<StressSummary> {
    let mut groups: BTreeMap<usize, Vec<&StressReport>> = BTreeMap::new();
    for cell in cells {
        if let Some(figures) = &cell.stress {
            groups.entry(cell.number).or_default().push(figures);
        }
    }
    let rows: Vec<StressRow> = groups
        .iter()
        .filter_map(|(number, runs)| row(*number, runs))
        .collect();
    (!rows.is_empty()).then(|| StressSummary {
        answers: answers(&rows),
        rows,
    })
}

#[expect(clippy::cast_precision_loss, reason = "bytes as megabytes")]
fn row(no: usize, runs: &[&StressReport]) -> Option<StressRow> {
    let first = runs.first()?;
    // A run in which no client did it has no times.
    let timed: Vec<&&StressReport> = runs.iter().filter(|run| run.clients_ok > 0).collect();
    let of = |figure: fn(&StressReport) -> f64| {
        let figures: Vec<f64> = timed.iter().map(|run| figure(run)).collect();
        mean(&figures)
    };
    let sum = |count: fn(&StressReport) -> Option<u32>| {
        let counts: Option<Vec<u32>> = runs.iter().map(|run| count(run)).collect();
        counts.map(|counts| counts.iter().sum())
    };
    let (avg_time_s, avg_time_ci95_s) = of(|run| run.times.mean);
    let (throughput, throughput_ci95) = of(|run| run.client_bytes_per_s);
    let published = first.published.clone();
    let all_did_it = runs.iter().all(|run| run.clients_failed == 0);
    let ratio = published.as_ref().filter(|_| all_did_it);
    Some(StressRow {
        no,
        operation: first.operation.clone(),
        size_mb: first.size as f64 / 1_048_576.0,
        client_workers: first.client_workers,
        server_workers: first.server_workers,
        avg_time_s,
        throughput_bytes_per_s: throughput,
        client_success: runs.iter().map(|run| run.clients_ok).sum(),
        client_fail: runs.iter().map(|run| run.clients_failed).sum(),
        server_model: first.server_model.clone(),
        client_model: first.client_model.clone(),
        runs: runs.len(),
        avg_time_ci95_s,
        throughput_ci95_bytes_per_s: throughput_ci95,
        p50_s: of(|run| run.times.p50).0,
        p90_s: of(|run| run.times.p90).0,
        p99_s: of(|run| run.times.p99).0,
        max_s: of(|run| run.times.most).0,
        all_bytes_per_s: of(|run| run.all_bytes_per_s).0,
        server_workers_ok: sum(|run| run.server_workers_ok),
        server_workers_failed: sum(|run| run.server_workers_failed),
        ratio: ratio.map(|published| avg_time_s / published.seconds),
        published,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use protocol::stress::Times;

    use super::*;
    use crate::report::model::PublishedFigures;

    pub(crate) fn figures(seconds: f64, ok: u32) -> StressReport {
        StressReport {
            operation: "upload".to_owned(),
            size: 10 << 20,
            client_workers: 5,
            server_workers: Some(1),
            client_model: "thread".to_owned(),
            server_model: Some("thread".to_owned()),
            times: Times::of(vec![seconds]),
            seconds,
            client_bytes_per_s: 10.0 / seconds,
            all_bytes_per_s: 50.0 / seconds,
            verified_bytes: u64::from(ok) * (10 << 20),
            clients_ok: ok,
            clients_failed: 5 - ok,
            reasons: BTreeMap::new(),
            server_workers_ok: Some(1),
            server_workers_failed: Some(0),
            buffer: 1,
            published: Some(PublishedFigures {
                row: 2,
                seconds: 4.0,
                bytes_per_s: None,
                clients_ok: None,
                clients_failed: None,
            }),
        }
    }

    fn cell(number: usize, figures: StressReport) -> CellReport {
        CellReport {
            number,
            stress: Some(figures),
            ..CellReport::default()
        }
    }

    #[test]
    fn repetitions_are_one_row_with_an_interval() {
        let cells = [
            cell(2, figures(1.0, 5)),
            cell(2, figures(3.0, 4)),
            cell(1, figures(2.0, 5)),
            CellReport::default(),
        ];
        let rows = summarize(&cells).unwrap().rows;
        assert_eq!(
            (rows[0].no, rows[0].runs, rows[0].avg_time_ci95_s),
            (1, 1, None)
        );
        let second = &rows[1];
        assert_eq!((second.no, second.runs), (2, 2));
        assert_eq!((second.client_success, second.client_fail), (9, 1));
        assert!((second.avg_time_s - 2.0).abs() < 1e-12);
        assert!(second.avg_time_ci95_s.unwrap() > 12.0);
        assert!((second.size_mb - 10.0).abs() < 1e-12);
        assert!((rows[0].ratio.unwrap() - 0.5).abs() < 1e-12);
        // Who is left of many has the server to himself.
        assert_eq!(second.ratio, None);
        assert_eq!(second.server_workers_ok, Some(2));
        assert_eq!(summarize(&[CellReport::default()]), None);
    }

    #[test]
    fn a_run_in_which_all_failed_has_no_time() {
        let mut failed = figures(1.0, 0);
        failed.times = Times::default();
        failed.client_bytes_per_s = 0.0;
        let rows = summarize(&[cell(1, failed.clone()), cell(1, figures(3.0, 5))])
            .unwrap()
            .rows;
        assert!((rows[0].avg_time_s - 3.0).abs() < 1e-12);
        assert_eq!((rows[0].client_success, rows[0].client_fail), (5, 5));
        let rows = summarize(&[cell(1, failed)]).unwrap().rows;
        assert_eq!((rows[0].ratio, rows[0].avg_time_ci95_s), (None, None));
    }
}
