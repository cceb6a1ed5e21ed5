//! The only place that prints: data on standard output, everything else on standard error.

use std::fmt::Display;
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use crate::report::plain_text::visible;

use super::args::{Format, Global};
use super::environment;
use super::failure::Failure;
use super::outlet::Outlet;

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
        let written = Outlet::Output.write(bytes);
        if let Err(error) = &written
            && !note_cut(error)
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            let _ = LOST.set(error.to_string());
        }
        written.is_ok()
    }

    /// Returns whether something was not said because of an interruption, for nobody read it.
    pub fn is_cut(&self) -> bool {
        CUT.load(Ordering::Relaxed)
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
        Outlet::Error.write(bytes).is_ok()
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
            tell(&format!("{}\n", shown(text)));
        }
    }

    /// Warns, on standard error.
    pub fn warn(&self, text: impl Display) {
        tell(&format!("warning: {}\n", shown(text)));
    }

    /// Tells what went wrong, on standard error.
    pub fn fail(&self, failure: &Failure) {
        // What was rendered has its colours, and shows all else as it may be shown.
        let (label, text) = match failure {
            Failure::Rendered(text, _) => ("", text.clone()),
            _ => ("error: ", shown(failure)),
        };
        tell(&format!("{label}{}\n", text.trim_end()));
    }
}

/// Text in which names and words from inside a lab do nothing to a terminal. Its lines stay.
fn shown(text: impl Display) -> String {
    let text = text.to_string();
    let lines: Vec<_> = text.lines().map(visible).collect();
    lines.join("\n")
}

/// Tells; where the stream is closed there is nobody left to tell.
fn tell(text: &str) {
    if let Err(error) = Outlet::Error.write(text.as_bytes()) {
        note_cut(&error);
    }
}

/// Takes note of a stream that was given up after an interruption, if that is what the error says.
fn note_cut(error: &io::Error) -> bool {
    let is_cut = error.kind() == io::ErrorKind::Interrupted;
    CUT.fetch_or(is_cut, Ordering::Relaxed);
    is_cut
}

/// The first error of standard output, of which a process has one.
static LOST: OnceLock<String> = OnceLock::new();

/// Set once a stream was given up after an interruption.
static CUT: AtomicBool = AtomicBool::new(false);
