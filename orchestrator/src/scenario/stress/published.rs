//! The figures that others published for the same cells, from a table in CSV.
//!
//! Its first line names the columns, in any order: `operation`, `size_mb` (of 2^20 bytes),
//! `client_workers`, `server_workers`, and `avg_seconds_per_client` or `total_seconds_per_client` must be
//! there; `row`, `server_model` (`thread-pool`, `process-pool`), `throughput_bytes_per_second`,
//! `clients_ok` and `clients_failed` may be, and others are not looked at. A line without a time was
//! not measured.

use std::fmt::Display;
use std::ops::Range;
use std::path::Path;
use std::str::FromStr;

use crate::report::model::PublishedFigures;
use crate::topology::model::{Operation, Stress, Workers};
use crate::topology::{Diagnostic, Diagnostics};

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
    published: PublishedFigures,
}

impl Published {
    /// Reads the table of a scenario; one without a table has no lines.
    ///
    /// # Errors
    /// Every mistake in the table, with its line and what to write instead.
    pub async fn read(stress: &Stress) -> Result<Self, Diagnostics> {
        match &stress.published {
            Some(path) => Self::of_file(path, tokio::fs::read_to_string(path).await),
            None => Ok(Self::default()),
        }
    }

    /// Finds what is wrong with the table of a scenario, before anything is raised. Waits for the disk.
    ///
    /// # Errors
    /// As those of [`Published::read`].
    pub fn check(stress: &Stress) -> Result<(), Diagnostics> {
        let table = stress.published.as_ref();
        table.map_or(Ok(()), |path| {
            Self::of_file(path, std::fs::read_to_string(path)).map(|_| ())
        })
    }

    /// Returns the published figures for a cell.
    pub fn of(&self, stress: &Stress) -> Option<PublishedFigures> {
        let program = &stress.server.program;
        let same = |line: &&Line| {
            (line.operation, line.size, line.clients)
                == (stress.operation, stress.size.0, stress.clients.workers)
                && Some(line.workers) == program.workers()
                && (line.model.is_none() || line.model == program.model())
        };
        self.lines
            .iter()
            .find(same)
            .map(|line| line.published.clone())
    }

    fn of_file(path: &Path, read: std::io::Result<String>) -> Result<Self, Diagnostics> {
        let (text, list) = match read {
            Ok(text) => match Self::parse(&text) {
                Ok(table) => return Ok(table),
                Err(wrong) => (text, wrong),
            },
            Err(error) => {
                let message = format!("reading {}: {error}", path.display());
                let remedy = "`published` names a table as CSV, in UTF-8".to_owned();
                let unread = Diagnostic {
                    span: None,
                    message,
                    remedy,
                };
                (String::new(), vec![unread])
            }
        };
        let file = path.display().to_string();
        Err(Diagnostics { file, text, list })
    }

    fn parse(text: &str) -> Result<Self, Vec<Diagnostic>> {
        let mut lines = fields_of_lines(text);
        let columns = Columns::of(lines.next().unwrap_or_default());
        let columns = columns.map_err(|wrong| vec![wrong])?;
        let (mut read, mut wrong) = (Vec::new(), Vec::new());
        for (row, fields) in (1..).zip(lines).filter(|(_, fields)| !is_blank(fields)) {
            match columns.line(&fields, row) {
                Ok(line) => read.extend(line),
                Err(mistake) => wrong.push(mistake),
            }
        }
        if wrong.is_empty() {
            Ok(Self { lines: read })
        } else {
            Err(wrong)
        }
    }
}

/// A field between two commas, and its place, in bytes of the table.
#[derive(Debug, Clone, Copy)]
struct Field<'a> {
    text: &'a str,
    start: usize,
}

impl Field<'_> {
    fn span(&self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }

    fn wrong(&self, message: impl Into<String>, remedy: impl Into<String>) -> Diagnostic {
        Diagnostic::new(self.span(), message, remedy)
    }

    fn number<T: FromStr>(&self, column: &str) -> Result<T, Diagnostic> {
        self.text.parse().map_err(|_| {
            let message = format!("`{}` cannot be {column}", self.text);
            self.wrong(message, "write a number")
        })
    }
}

fn fields_of_lines(text: &str) -> impl Iterator<Item = Vec<Field<'_>>> {
    let mut start = 0;
    text.split_inclusive('\n').map(move |line| {
        let fields = line.split(',').map(|written| {
            let text = written.trim();
            let before = written.find(text).unwrap_or_default();
            let field = Field {
                text,
                start: start + before,
            };
            start += written.len() + 1;
            field
        });
        let fields = fields.collect();
        // After the last field of a line comes no comma; its line break was counted.
        start -= 1;
        fields
    })
}

fn is_blank(fields: &[Field<'_>]) -> bool {
    fields.iter().all(|field| field.text.is_empty()) && fields.len() == 1
}

/// From the first of some fields to the last.
fn span(fields: &[Field<'_>]) -> Range<usize> {
    let first = fields.first().map_or(0, |field| field.start);
    first..fields.last().map_or(first, |field| field.span().end)
}

/// Where each column is.
#[derive(Debug)]
struct Columns<'a> {
    names: Vec<Field<'a>>,
}

impl<'a> Columns<'a> {
    fn of(names: Vec<Field<'a>>) -> Result<Self, Diagnostic> {
        let has = |wanted: &str| names.iter().any(|name| name.text == wanted);
        let needed = ["operation", "size_mb", "client_workers", "server_workers"];
        let lacks = needed.into_iter().find(|name| !has(name));
        let lacks = lacks.or_else(|| (!SECONDS.into_iter().any(has)).then_some(SECONDS[0]));
        match lacks {
            Some(column) => Err(Diagnostic::new(
                span(&names),
                format!("no column is called {column}"),
                "add it to this line, and to those below",
            )),
            None => Ok(Self { names }),
        }
    }

    /// A line's figures; none where it was not measured.
    fn line(&self, fields: &[Field<'_>], row: u32) -> Result<Option<Line>, Diagnostic> {
        if fields.len() != self.names.len() {
            let (there, due) = (fields.len(), self.names.len());
            let message = format!("{there} fields in place of {due}");
            return Err(Diagnostic::new(
                span(fields),
                message,
                "write one for each column",
            ));
        }
        let mut seconds = SECONDS.iter().filter_map(|name| self.field(fields, name));
        let Some(time) = seconds.next().filter(|field| !field.text.is_empty()) else {
            return Ok(None);
        };
        let seconds: f64 = time.number("a time")?;
        if !(seconds.is_finite() && seconds > 0.0) {
            let message = "a time is longer than 0 s";
            return Err(time.wrong(message, "write it, or nothing where none was measured"));
        }
        let size: f64 = self.need(fields, "size_mb")?.number("size_mb")?;
        let operation = self.need(fields, "operation")?;
        let model = self.may(fields, "server_model");
        Ok(Some(Line {
            operation: word(operation, operation.text)?,
            size: bytes(size),
            clients: self.count(fields, "client_workers")?,
            workers: self.count(fields, "server_workers")?,
            model: model
                .map(|field| {
                    word(
                        field,
                        field.text.strip_suffix("-pool").unwrap_or(field.text),
                    )
                })
                .transpose()?,
            published: PublishedFigures {
                row: self.figure(fields, "row")?.unwrap_or(row),
                seconds,
                bytes_per_s: self.figure(fields, "throughput_bytes_per_second")?,
                clients_ok: self.figure(fields, "clients_ok")?,
                clients_failed: self.figure(fields, "clients_failed")?,
            },
        }))
    }

    fn field<'f>(&self, fields: &[Field<'f>], name: &str) -> Option<Field<'f>> {
        let place = self.names.iter().position(|column| column.text == name)?;
        fields.get(place).copied()
    }

    /// A field that may be empty, or have no column.
    fn may<'f>(&self, fields: &[Field<'f>], name: &str) -> Option<Field<'f>> {
        self.field(fields, name)
            .filter(|field| !field.text.is_empty())
    }

    /// A field that may not.
    fn need<'f>(&self, fields: &[Field<'f>], name: &str) -> Result<Field<'f>, Diagnostic> {
        let field = self.field(fields, name);
        let at = field.map_or_else(|| span(fields), |field| field.span());
        field.filter(|field| !field.text.is_empty()).ok_or_else(|| {
            let message = format!("this line has no {name}");
            Diagnostic::new(at, message, "write one, or leave out its time")
        })
    }

    fn count(&self, fields: &[Field<'_>], name: &str) -> Result<u32, Diagnostic> {
        self.need(fields, name)?.number(name)
    }

    fn figure<T: FromStr>(
        &self,
        fields: &[Field<'_>],
        name: &str,
    ) -> Result<Option<T>, Diagnostic> {
        let field = self.may(fields, name);
        field.map(|field| field.number(name)).transpose()
    }
}

fn word<T>(field: Field<'_>, text: &str) -> Result<T, Diagnostic>
where
    T: FromStr<Err: Display>,
{
    text.parse().map_err(|error: T::Err| {
        field.wrong(format!("`{}` is not known", field.text), error.to_string())
    })
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

/// The names that the column of times may have.
const SECONDS: [&str; 2] = ["avg_seconds_per_client", "total_seconds_per_client"];

#[cfg(test)]
mod tests {
    use super::*;

    const HEADING: &str = "operation,size_mb,client_workers,server_workers,avg_seconds_per_client";

    fn said(text: &str) -> String {
        let read = Published::of_file(Path::new("table.csv"), Ok(text.to_owned()));
        read.unwrap_err().render(false)
    }

    #[test]
    fn lines_that_were_not_measured_are_left_out() {
        let text = format!("{HEADING}\r\nupload,10,1,5,0.5\r\n\r\ndownload,50,5,1,\r\n");
        let table = Published::parse(&text).unwrap();
        assert_eq!(table.lines.len(), 1);
        let line = &table.lines[0];
        assert_eq!((line.size, line.clients, line.workers), (10 << 20, 1, 5));
        assert_eq!((line.published.row, line.model), (1, None));
    }

    #[test]
    fn every_line_that_is_wrong_is_said_with_its_place() {
        insta::assert_snapshot!(said(&format!(
            "{HEADING},server_model\n\
             upload,10,1,5\n\
             upload,10, x ,5,1,\n\
             download,10,1,5,1,thread-pool\n\
             send,10,1,5,1,\n\
             upload,10,1,5,0,\n\
             upload,10,,5,2,\n\
             upload,10,1,5,1,fork-pool\n"
        )));
    }

    #[test]
    fn a_table_without_a_column_or_without_anything_is_wrong() {
        let heading = said("operation,size_mb\n1,2\n");
        assert!(
            heading.contains("no column is called client_workers"),
            "{heading}"
        );
        assert!(heading.contains("table.csv:1:1"), "{heading}");
        assert!(said("").contains("no column is called operation"));
        let unread = Err(std::io::Error::other("no text"));
        let unread = Published::of_file(Path::new("table.csv"), unread).unwrap_err();
        assert!(unread.render(false).contains("reading table.csv: no text"));
    }

    #[test]
    fn the_shipped_tables_are_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../topologies/published");
        for (name, lines) in [
            ("file-server-pool-108.csv", 108),
            ("file-server-54.csv", 37),
        ] {
            let text = std::fs::read_to_string(folder.join(name)).unwrap();
            assert_eq!(
                Published::parse(&text).unwrap().lines.len(),
                lines,
                "{name}"
            );
        }
    }
}
