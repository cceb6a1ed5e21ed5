//! What others have reported of the same cells, from a table as CSV.
//!
//! Its first line names the columns, in any order: `operation`, `size_mb` (of 2^20 bytes),
//! `client_workers`, `server_workers`, and `avg_seconds_per_client` or `total_seconds_per_client` must be
//! there; `row`, `server_model` (`thread-pool`, `process-pool`), `throughput_bytes_per_second`,
//! `clients_ok` and `clients_failed` may be, and others are not looked at. A line without a time was
//! not measured.

use std::path::{Path, PathBuf};

use crate::report::model::PublishedLoad;
use crate::topology::model::{Operation, Stress, Workers};

/// A table of published figures.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Published {
    lines: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq)]
struct Line {
    operation: Operation,
    size: u64,
    clients: u32,
    workers: u32,
    model: Option<Workers>,
    load: PublishedLoad,
}

/// Why a table cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PublishedError {
    /// The file cannot.
    #[error("reading {}: {source}", path.display())]
    File {
        /// The table.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line is not as it should be.
    #[error("{}:{line}: {message}", path.display())]
    Line {
        /// The table.
        path: PathBuf,
        /// The line's number, from 1.
        line: u32,
        /// What is wrong, and what to write.
        message: String,
    },
}

impl Published {
    /// Reads the table of a scenario; one without a table has no lines.
    ///
    /// # Errors
    /// [`PublishedError`] with the file and the line.
    pub async fn read(stress: &Stress) -> Result<Self, PublishedError> {
        let Some(path) = &stress.published else {
            return Ok(Self::default());
        };
        let text = tokio::fs::read_to_string(path).await;
        let text = text.map_err(|source| PublishedError::File {
            path: path.clone(),
            source,
        })?;
        Self::parse(path, &text)
    }

    /// What others reported of a cell.
    pub fn of(&self, stress: &Stress) -> Option<PublishedLoad> {
        let program = &stress.server.program;
        let same = |line: &&Line| {
            (line.operation, line.size, line.clients)
                == (stress.operation, stress.size.0, stress.clients.workers)
                && Some(line.workers) == program.workers()
                && (line.model.is_none() || line.model == program.model())
        };
        self.lines.iter().find(same).map(|line| line.load.clone())
    }

    fn parse(path: &Path, text: &str) -> Result<Self, PublishedError> {
        let wrong = |line: u32, message: String| PublishedError::Line {
            path: path.to_owned(),
            line,
            message,
        };
        let mut lines = text.lines();
        let heading = lines.next().unwrap_or_default();
        let columns = Columns::of(heading).map_err(|message| wrong(1, message))?;
        let mut read = Vec::new();
        for (number, line) in (2..).zip(lines).filter(|(_, line)| !line.trim().is_empty()) {
            let fields: Vec<&str> = line.split(',').map(str::trim).collect();
            let parsed = columns.line(&fields, number - 1);
            read.extend(parsed.map_err(|message| wrong(number, message))?);
        }
        Ok(Self { lines: read })
    }
}

/// Where each column is.
#[derive(Debug)]
struct Columns {
    names: Vec<String>,
}

impl Columns {
    fn of(heading: &str) -> Result<Self, String> {
        let names: Vec<String> = heading
            .split(',')
            .map(|name| name.trim().to_owned())
            .collect();
        let has = |wanted: &str| names.iter().any(|name| name == wanted);
        let needed = ["operation", "size_mb", "client_workers", "server_workers"];
        let lacks = needed.into_iter().find(|name| !has(name));
        let lacks = lacks.or_else(|| (!SECONDS.into_iter().any(has)).then_some(SECONDS[0]));
        match lacks {
            Some(column) => Err(format!("no column is called {column}: add it to this line")),
            None => Ok(Self { names }),
        }
    }

    /// A line's figures; none where it was not measured.
    fn line(&self, fields: &[&str], row: u32) -> Result<Option<Line>, String> {
        if fields.len() != self.names.len() {
            let (there, due) = (fields.len(), self.names.len());
            return Err(format!(
                "{there} fields in place of {due}: write one for each column"
            ));
        }
        let seconds = SECONDS
            .into_iter()
            .find_map(|name| self.field(fields, name));
        let Some(seconds) = seconds.filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let seconds: f64 = number(SECONDS[0], seconds)?;
        if !(seconds.is_finite() && seconds > 0.0) {
            return Err("a time is longer than 0 s: write it, or nothing".to_owned());
        }
        let size: f64 = self.need(fields, "size_mb")?;
        let operation: String = self.need(fields, "operation")?;
        let operation = operation
            .parse()
            .map_err(|error| format!("operation: {error}"))?;
        let model = self
            .field(fields, "server_model")
            .filter(|text| !text.is_empty());
        let model = model.map(|text| text.strip_suffix("-pool").unwrap_or(text).parse());
        Ok(Some(Line {
            operation,
            size: bytes(size),
            clients: self.need(fields, "client_workers")?,
            workers: self.need(fields, "server_workers")?,
            model: model
                .transpose()
                .map_err(|error| format!("server_model: {error}"))?,
            load: PublishedLoad {
                row: self.may(fields, "row")?.unwrap_or(row),
                seconds,
                bytes_per_s: self.may(fields, "throughput_bytes_per_second")?,
                clients_ok: self.may(fields, "clients_ok")?,
                clients_failed: self.may(fields, "clients_failed")?,
            },
        }))
    }

    fn field<'a>(&self, fields: &[&'a str], name: &str) -> Option<&'a str> {
        let place = self.names.iter().position(|column| column == name)?;
        fields.get(place).copied()
    }

    fn may<T: std::str::FromStr>(&self, fields: &[&str], name: &str) -> Result<Option<T>, String> {
        let text = self.field(fields, name).filter(|text| !text.is_empty());
        text.map(|text| number(name, text)).transpose()
    }

    fn need<T: std::str::FromStr>(&self, fields: &[&str], name: &str) -> Result<T, String> {
        number(name, self.field(fields, name).unwrap_or_default())
    }
}

fn number<T: std::str::FromStr>(column: &str, text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| format!("`{text}` cannot be {column}: write a number"))
}

/// Megabytes as the labs count them: the throughput that they report is of 2^20 bytes.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a size that is not positive matches no cell"
)]
fn bytes(megabytes: f64) -> u64 {
    (megabytes * 1_048_576.0).round() as u64
}

/// What the column of times may be called.
const SECONDS: [&str; 2] = ["avg_seconds_per_client", "total_seconds_per_client"];

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Published, String> {
        Published::parse(Path::new("table.csv"), text).map_err(|error| error.to_string())
    }

    const HEADING: &str = "operation,size_mb,client_workers,server_workers,avg_seconds_per_client";

    #[test]
    fn lines_that_were_not_measured_are_left_out() {
        let table = parse(&format!(
            "{HEADING}\nupload,10,1,5,0.5\n\ndownload,50,5,1,\n"
        ))
        .unwrap();
        assert_eq!(table.lines.len(), 1);
        let line = &table.lines[0];
        assert_eq!((line.size, line.clients, line.workers), (10 << 20, 1, 5));
        assert_eq!((line.load.row, line.model), (1, None));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let said = |text: &str| parse(text).unwrap_err();
        assert_eq!(
            said("operation,size_mb\n"),
            "table.csv:1: no column is called client_workers: add it to this line"
        );
        let line = |line: &str| said(&format!("{HEADING}\n{line}\n"));
        assert!(line("upload,10,1,5").contains("table.csv:2: 4 fields in place of 5"));
        assert!(line("upload,10,x,5,1").contains("`x` cannot be client_workers"));
        assert!(line("send,10,1,5,1").contains("operation: "));
        assert!(line("upload,10,1,5,0").contains("longer than 0 s"));
    }

    #[test]
    fn the_shipped_tables_are_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../topologies/published");
        for (name, lines) in [
            ("file-server-pool-108.csv", 108),
            ("file-server-54.csv", 37),
        ] {
            let text = std::fs::read_to_string(folder.join(name)).unwrap();
            assert_eq!(parse(&text).unwrap().lines.len(), lines, "{name}");
        }
    }
}
