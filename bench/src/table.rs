//! Results as a Markdown table.

use crate::console::result;
use crate::race::Series;
use crate::sample::Sample;

/// What ours shall reach, as the first entrant.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    /// At most so many milliseconds at the median.
    Milliseconds(f64),
    /// At most so many times the median of the entrant with this name.
    TimesOf(f64, &'static str),
}

/// What a table is about.
#[derive(Debug)]
pub struct Caption<'a> {
    /// What was done.
    pub title: &'a str,
    /// What the timed columns are called; without the second, `down` is not shown.
    pub columns: (&'a str, Option<&'a str>),
    /// What ours shall reach.
    pub target: Option<Target>,
}

/// Prints a heat's results; the first entrant is ours.
pub fn print(caption: &Caption<'_>, series: &[Series]) {
    let Some(ours) = series.first() else {
        return;
    };
    let (up, down) = caption.columns;
    result(&format!(
        "\n### {}, {} repetitions\n",
        caption.title,
        ours.up.count()
    ));
    let mut rows = vec![heading(up, down)];
    for one in series {
        let mut row = vec![one.name.clone()];
        row.extend(cells(&one.up, &ours.up));
        if down.is_some() {
            row.extend(cells(&one.down, &ours.down));
        }
        if one.up.count() != ours.up.count() {
            row[0] = format!("{} (n = {})", row[0], one.up.count());
        }
        rows.push(row);
        for (moment, sample) in &one.moments {
            let mut row = vec![format!("– {moment}")];
            row.extend(cells(sample, &ours.up));
            row.resize(rows[0].len(), String::new());
            rows.push(row);
        }
    }
    print_rows(&rows);
    for (name, failure) in series
        .iter()
        .filter_map(|s| Some((&s.name, s.failure.as_ref()?)))
    {
        result(&format!("\n{name} gave up: {failure}"));
    }
    if let Some(verdict) = caption.target.and_then(|target| verdict(target, series)) {
        result(&format!("\n{verdict}"));
    }
}

fn heading(up: &str, down: Option<&str>) -> Vec<String> {
    let mut row = vec![String::new()];
    for column in [Some(up), down].into_iter().flatten() {
        row.extend([format!("{column}, ms (least–most)"), "× ours".to_owned()]);
    }
    row
}

fn cells(sample: &Sample, ours: &Sample) -> [String; 2] {
    let ratio = ratio(sample, ours).map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"));
    [sample.to_string(), ratio]
}

fn ratio(sample: &Sample, to: &Sample) -> Option<f64> {
    Some(sample.median()? / to.median()?)
}

fn verdict(target: Target, series: &[Series]) -> Option<String> {
    let ours = &series.first()?.up;
    let (reached, limit, unit) = match target {
        Target::Milliseconds(limit) => (ours.median()?, limit, "ms".to_owned()),
        Target::TimesOf(limit, name) => {
            let peer = series.iter().find(|one| one.name == name)?;
            (ratio(ours, &peer.up)?, limit, format!("× {name}"))
        }
    };
    let word = if reached <= limit { "met" } else { "MISSED" };
    Some(format!("target ≤ {limit:.2} {unit}: {word}, {reached:.2}"))
}

/// Columns as wide as their widest cell, numbers to the right.
pub(crate) fn print_rows(rows: &[Vec<String>]) {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|c| width(c).unwrap_or(0).max(3)).collect();
    for (number, row) in rows.iter().enumerate() {
        let cells = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(column, (cell, width))| {
                if column == 0 {
                    format!("{cell:<width$}")
                } else {
                    format!("{cell:>width$}")
                }
            });
        result(&format!("| {} |", cells.collect::<Vec<_>>().join(" | ")));
        if number == 0 {
            let rule = widths.iter().enumerate().map(|(column, width)| {
                let rule = "-".repeat(width - 1);
                if column == 0 {
                    format!("{rule}-")
                } else {
                    format!("{rule}:")
                }
            });
            result(&format!("| {} |", rule.collect::<Vec<_>>().join(" | ")));
        }
    }
}
