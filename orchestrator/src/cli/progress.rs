//! The progress display and log of a lab at work: bars on a terminal, plain lines otherwise.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::evidence::EventLog;
use crate::number::{self, counted};
use crate::report::event::RunEvent;
use crate::scenario::Observer;

use super::args::Format;
use super::environment;
use super::printer::Printer;

/// Shows and logs what happens.
#[derive(Debug)]
pub struct Progress {
    printer: Printer,
    log: Option<EventLog>,
    bar: Option<ProgressBar>,
    /// The first trouble with the log: told once.
    trouble: Mutex<Option<String>>,
    /// When the last plain line was printed.
    told: Mutex<Instant>,
}

impl Progress {
    /// Shows on standard error what happens, and adds it to `log`.
    pub fn new(printer: Printer, log: Option<EventLog>) -> Self {
        let shown = !printer.quiet && environment::progress_bars();
        let bar = shown.then(|| {
            let bar = ProgressBar::new_spinner().with_style(style());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self {
            printer,
            log,
            bar,
            trouble: Mutex::new(None),
            told: Mutex::new(Instant::now()),
        }
    }

    /// Shows and logs an event.
    pub fn tell(&self, event: &RunEvent) {
        if let Some(log) = &self.log
            && let Err(error) = log.write(event)
        {
            self.complain(&error.to_string());
        }
        match &self.bar {
            Some(bar) => show(bar, event),
            None => self.line(event),
        }
        if let RunEvent::Warning { text } = event {
            self.aside(|| self.printer.warn(text));
        }
    }

    /// Prints something while no bar is in the way.
    pub fn aside(&self, print: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Shows and logs the last event, and takes the bar away.
    pub fn finish(&self, event: &RunEvent) {
        self.tell(event);
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Plain lines: each scenario's beginning, and then one now and again of how far it is.
    fn line(&self, event: &RunEvent) {
        let (plain, pause) = match event {
            RunEvent::ScenarioBegun {
                scenario,
                headline,
                cells,
            } if *cells > 1 => (
                format!("{scenario}: {headline}, {cells} cells"),
                Duration::ZERO,
            ),
            RunEvent::ScenarioBegun {
                scenario, headline, ..
            } => (format!("{scenario}: {headline}"), Duration::ZERO),
            RunEvent::CellBegun {
                scenario,
                cell,
                done,
                cells,
                left_s,
            } if *cells > 1 => {
                let left = left(*left_s);
                let number = done + 1;
                (
                    format!("{scenario}: {number} of {cells}{left}: {cell}"),
                    CELL_PAUSE,
                )
            }
            RunEvent::CellBegun { scenario, cell, .. } => {
                (format!("{scenario}: {cell}"), CELL_PAUSE)
            }
            RunEvent::StepEnded { scenario, step } => {
                (format!("{scenario}: {}", step.name), CELL_PAUSE)
            }
            RunEvent::Progress { node, bytes, total } => (
                format!("{node} has moved {bytes} of {total} bytes"),
                PROGRESS_PAUSE,
            ),
            _ => return,
        };
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if self.printer.format == Format::Table && told.elapsed() >= pause {
            *told = Instant::now();
            self.printer.note(plain);
        }
    }

    fn complain(&self, text: &str) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if trouble.is_none() {
            *trouble = Some(text.to_owned());
            self.aside(|| self.printer.warn(text));
        }
    }
}

impl Observer for Progress {
    fn observe(&self, event: &RunEvent) {
        self.tell(event);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn show(bar: &ProgressBar, event: &RunEvent) {
    match event {
        RunEvent::Raising { lab, nodes, .. } => {
            let nodes = counted(*nodes as u64, "node");
            bar.set_message(format!("raising {nodes} of {lab}"));
        }
        RunEvent::ScenarioBegun {
            scenario,
            headline,
            cells,
        } => {
            bar.set_style(if *cells > 1 { bar_style() } else { style() });
            bar.set_length(*cells as u64);
            bar.set_position(0);
            bar.set_prefix(scenario.clone());
            bar.set_message(headline.clone());
        }
        RunEvent::CellBegun {
            cell, done, left_s, ..
        } => {
            bar.set_position(*done as u64);
            bar.set_message(format!("{cell}{}", left(*left_s)));
        }
        // A bar counts cells; what moves within one would hide how long they will take.
        RunEvent::Progress { .. } if bar.length().is_some_and(|cells| cells > 1) => {}
        RunEvent::Progress { node, bytes, total } => {
            bar.set_message(format!("{node} has moved {bytes} of {total} bytes"));
        }
        RunEvent::StepEnded { step, .. } => bar.set_message(step.name.clone()),
        RunEvent::FileVerified(file) => {
            bar.set_message(format!("compared {} of {}", file.name, file.node));
        }
        _ => {}
    }
}

/// Returns the time left, in words, where it is known.
fn left(seconds: Option<f64>) -> String {
    let said = seconds.map(|left| format!(", {} left", number::seconds(left.round())));
    said.unwrap_or_default()
}

/// A bar of cells.
fn bar_style() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {prefix} [{bar:24}] {pos}/{len} {msg} ({elapsed})")
        .map_or_else(|_| style(), |style| style.progress_chars("=> "))
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {prefix} {msg} ({elapsed})")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// Plain lines of cells and steps come no more often than this.
const CELL_PAUSE: Duration = Duration::from_secs(1);

/// Plain lines of bytes moved come no more often than this.
const PROGRESS_PAUSE: Duration = Duration::from_secs(5);
