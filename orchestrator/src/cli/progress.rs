//! What is shown and logged while a lab is at work: bars on a terminal, plain lines otherwise.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::evidence::EventLog;
use crate::report::event::RunEvent;
use crate::scenario::Observer;

use super::args::Format;
use super::console::Console;
use super::environment;

/// Shows and logs what happens.
#[derive(Debug)]
pub struct Progress {
    console: Console,
    log: Option<EventLog>,
    bar: Option<ProgressBar>,
    /// The first trouble with the log: told once.
    trouble: Mutex<Option<String>>,
    /// When the last plain line was printed.
    told: Mutex<Instant>,
}

impl Progress {
    /// Shows on standard error what happens, and adds it to `log`.
    pub fn new(console: Console, log: Option<EventLog>) -> Self {
        let shown = !console.quiet && environment::progress_bars();
        let bar = shown.then(|| {
            let bar = ProgressBar::new_spinner().with_style(style());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self {
            console,
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
            self.aside(|| self.console.warn(text));
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
            RunEvent::CellBegun { scenario, cell } => (format!("{scenario}: {cell}"), CELL_PAUSE),
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
        if self.console.format == Format::Table && told.elapsed() >= pause {
            *told = Instant::now();
            self.console.note(plain);
        }
    }

    fn complain(&self, text: &str) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if trouble.is_none() {
            *trouble = Some(text.to_owned());
            self.aside(|| self.console.warn(text));
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
            bar.set_message(format!("raising {nodes} nodes of {lab}"));
        }
        RunEvent::ScenarioBegun {
            scenario, headline, ..
        } => {
            bar.set_prefix(scenario.clone());
            bar.set_message(headline.clone());
        }
        RunEvent::CellBegun { cell, .. } => bar.set_message(cell.clone()),
        RunEvent::Progress { node, bytes, total } => {
            bar.set_length(*total);
            bar.set_position(*bytes);
            bar.set_message(format!("{node} has moved {bytes} of {total} bytes"));
        }
        RunEvent::StepEnded { step, .. } => bar.set_message(step.name.clone()),
        RunEvent::FileVerified(file) => {
            bar.set_message(format!("compared {} of {}", file.name, file.node));
        }
        _ => {}
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {prefix} {msg} ({elapsed})")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// Plain lines of cells and steps come no more often than this.
const CELL_PAUSE: Duration = Duration::from_secs(1);

/// Plain lines of bytes moved come no more often than this.
const PROGRESS_PAUSE: Duration = Duration::from_secs(5);
