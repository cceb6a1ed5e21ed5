//! The only place that prints: data on standard output, everything else on standard error.

use std::fmt::Display;
use std::io::{self, Write};
use std::sync::OnceLock;

use serde::Serialize;

use crate::report::plain_text::visible;

use super::args::{Format, Global};
use super::environment;
use super::failure::Failure;

/// Prints for this process.
#[derive(Debug, Clone, Copy, Default)]
pub struct Printer {
    /// The format of results.
    pub format: Format,
    /// Whether only results and errors are printed.
    pub quiet: bool,
    /// Whether standard output may have colour.
    pub colour: bool,
}

impl Printer {
    /// The printer that the flags and the terminal ask for.
    pub fn new(global: &Global) -> Self {
        let colour = environment::colour(&io::stdout());
        Self {
            format: global.format,
            quiet: global.quiet,
            colour,
        }
    }

    /// Prints a result: data, on standard output, a line end added where there is none.
    pub fn result(&self, text: impl Display) {
        let text = text.to_string();
        let end = if text.is_empty() || text.ends_with('\n') {
            ""
        } else {
            "\n"
        };
        self.bytes(format!("{text}{end}").as_bytes());
    }

    /// Prints bytes on standard output as they are; says whether anybody still reads there.
    pub fn bytes(&self, bytes: &[u8]) -> bool {
        let written = raw(&mut io::stdout().lock(), bytes);
        if let Err(error) = &written
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            let _ = LOST.set(error.to_string());
        }
        written.is_ok()
    }

    /// Why results did not reach standard output, where somebody waited for them. A reader that has
    /// gone (`| head`) has had all that it wanted.
    pub fn lost(&self) -> Option<Failure> {
        let error = LOST.get()?;
        Some(Failure::Error(format!(
            "writing to standard output: {error}"
        )))
    }

    /// Prints bytes on standard error as they are; says whether anybody still reads there.
    pub fn error_bytes(&self, bytes: &[u8]) -> bool {
        raw(&mut io::stderr().lock(), bytes).is_ok()
    }

    /// Prints a value as JSON on standard output.
    ///
    /// # Errors
    /// If it has no JSON form.
    pub fn json(&self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value)
            .map_err(|error| Failure::Error(format!("writing JSON: {error}")))?;
        self.result(text);
        Ok(())
    }

    /// Tells what is going on, on standard error, unless told to be quiet.
    pub fn note(&self, text: impl Display) {
        if !self.quiet {
            write(&mut io::stderr().lock(), format_args!("{}\n", shown(text)));
        }
    }

    /// Warns, on standard error.
    pub fn warn(&self, text: impl Display) {
        let text = shown(text);
        write(&mut io::stderr().lock(), format_args!("warning: {text}\n"));
    }

    /// Tells what went wrong, on standard error.
    pub fn fail(&self, failure: &Failure) {
        // What was rendered has its colours, and shows all else as it may be shown.
        let (label, text) = match failure {
            Failure::Rendered(text, _) => ("", text.clone()),
            _ => ("error: ", shown(failure)),
        };
        write(
            &mut io::stderr().lock(),
            format_args!("{label}{}\n", text.trim_end()),
        );
    }
}

/// Text in which names and words from inside a lab do nothing to a terminal. Its lines stay.
fn shown(text: impl Display) -> String {
    let text = text.to_string();
    let lines: Vec<_> = text.lines().map(visible).collect();
    lines.join("\n")
}

/// Tells; where the stream is closed there is nobody left to tell.
fn write(out: &mut impl Write, text: std::fmt::Arguments<'_>) {
    if out.write_fmt(text).and_then(|()| out.flush()).is_err() {
        tracing::debug!("an output stream is closed");
    }
}

fn raw(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    out.write_all(bytes).and_then(|()| out.flush())
}

/// The first error of standard output, of which a process has one.
static LOST: OnceLock<String> = OnceLock::new();
