//! One run, from its run directory to its reports.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use crate::backend::{Backend, Capabilities};
use crate::evidence::folder::{CELLS, EVENTS, TOPOLOGY};
use crate::evidence::{CaptureBudget, EventLog, Journal, ResumeError, RunFolder, Subject};
use crate::lab::{Lab, LabRecord, RaiseTimings, Reaper, StateDir};
use crate::plan::provisions;
use crate::report::event::RunEvent;
use crate::report::model::{
    HostReport, NodeReport, Outcome, Picture, RunReport, SCHEMA, ScenarioReport, Timings,
};
use crate::scenario::{Agenda, RunContext, keep_logs, run_all};
use crate::topology::{graph, resolved_toml};

use super::args::{Format, ScenarioArgs};
use super::blocking::apart;
use super::failure::{Failure, Status};
use super::input::hashes;
use super::printer::Printer;
use super::progress::Progress;
use super::request::{Request, random};
use super::{render, summary};

/// One run, from its run directory to its reports.
#[derive(Debug)]
pub struct Job {
    /// The request.
    pub request: Request,
    agenda: Agenda,
    options: ScenarioArgs,
    printer: Printer,
    capabilities: Capabilities,
    folder: RunFolder,
    journal: Journal,
    budget: Arc<CaptureBudget>,
    progress: Progress,
    start: Instant,
    started: Timestamp,
    timings: RaiseTimings,
    seed: u32,
}

impl Job {
    /// Makes the run directory, so that a bad one fails in the first moment.
    ///
    /// # Errors
    /// If it cannot be made, or a scenario named on the command line is not in the file.
    pub async fn begin(
        mut request: Request,
        options: ScenarioArgs,
        backend: &dyn Backend,
        printer: Printer,
    ) -> Result<Self, Failure> {
        let agenda = request.agenda(&options)?;
        let (start, started) = (Instant::now(), Timestamp::now());
        let cells = Arc::clone(&request.cells);
        let subject = Subject {
            topology: Subject::hash(&request.source.text),
            inputs: apart(move || hashes(cells.files())).await?,
            settings: request.source.overrides.clone(),
            backend: backend.kind().to_string(),
            repeat: options.repeat,
            seed: options.seed.map_or_else(random, Ok)?,
        };
        let (folder, journal, seed) = place(&request, &options, &subject, started)?;
        request.run_folder = Some(folder.root().to_owned());
        folder.write(TOPOLOGY, resolved_toml(&request.topology).as_bytes())?;
        let progress = Progress::new(printer, Some(EventLog::open(&folder.file(EVENTS), start)?));
        let (timings, budget) = (RaiseTimings::default(), Arc::new(CaptureBudget::default()));
        Ok(Self {
            request,
            agenda,
            options,
            printer,
            capabilities: backend.capabilities(),
            folder,
            journal,
            budget,
            progress,
            start,
            started,
            timings,
            seed,
        })
    }

    /// Raises and provisions the lab.
    ///
    /// # Errors
    /// Why it could not be raised.
    pub async fn raise(
        &mut self,
        backend: Arc<dyn Backend>,
        state: &StateDir,
        reaper: Reaper,
    ) -> Result<Lab, Failure> {
        let (lab, timings) = raise(&self.request, backend, state, reaper, &self.progress).await?;
        self.timings = timings;
        Ok(lab)
    }

    /// Tells at once what a reader of the results must know of a lab that was up already.
    pub fn warn_of(&self, lab: &Lab) {
        warn_of(lab, &self.progress);
    }

    /// Runs the scenarios, as often as asked for.
    pub async fn scenarios(&self, lab: &Lab) -> RunReport {
        let begun = Instant::now();
        let cx = RunContext {
            lab,
            topology: &self.request.topology,
            cells: &self.request.cells,
            capabilities: self.capabilities,
            evidence: &self.folder,
            budget: &self.budget,
            journal: &self.journal,
            observer: &self.progress,
            seed: self.seed,
            keep_received: self.options.keep_received,
        };
        let (scenarios, captures) = run_all(&cx, &self.agenda).await;
        let lost = keep_logs(&cx).await;
        let mut report = self.empty_report(lab);
        report.warnings.extend(lost);
        report.warnings.extend(scenarios.iter().filter_map(resumed));
        report.outcome = outcome(&scenarios);
        report.timings.run = begun.elapsed().as_secs_f64();
        report.scenarios = scenarios;
        report.captures = captures;
        report
    }

    /// Leaves the lab up.
    ///
    /// # Errors
    /// If it cannot be recorded; the lab is then taken away.
    pub async fn keep(&self, lab: Lab) -> Result<(), Failure> {
        keep(lab, &self.request).await
    }

    /// Writes the reports and prints the verdict.
    ///
    /// # Errors
    /// If a report cannot be written.
    pub fn finish(self, mut report: RunReport, left_up: bool) -> Result<Status, Failure> {
        report.duration_s = self.start.elapsed().as_secs_f64();
        let (outcome, seconds) = (report.outcome, report.duration_s);
        self.progress
            .finish(&RunEvent::Finished { outcome, seconds });
        let written = render::write_reports(&self.folder, &report);
        match self.printer.format {
            Format::Json => self.printer.json(&report)?,
            Format::Table => {
                let folder = written.is_ok().then_some(&self.folder);
                self.printer
                    .result(render::verdict(&report, folder, self.printer));
                if left_up {
                    self.printer
                        .result(summary::next_steps(&self.request.topology));
                }
            }
        }
        // Where they could not be written, the table above is all that there is.
        written?;
        let some_skipped = report.scenarios.iter().any(skipped_somewhere);
        if some_skipped && outcome == Outcome::Passed {
            self.printer
                .warn("some scenarios or cells were skipped; the report says which and why");
            if self.options.no_skip {
                return Ok(Status::Lacking);
            }
        }
        Ok(Status::of(outcome))
    }

    fn empty_report(&self, lab: &Lab) -> RunReport {
        let topology = &self.request.topology;
        RunReport {
            schema: SCHEMA,
            lab: topology.name.to_string(),
            summary: topology.summary.clone(),
            backend: lab.backend().to_string(),
            seed: format!("{:08x}", self.seed),
            started: self.started.to_string(),
            outcome: Outcome::Passed,
            duration_s: 0.0,
            timings: Timings {
                raise: self.timings.raise.as_secs_f64(),
                ready: self
                    .timings
                    .ready
                    .saturating_sub(self.timings.raise)
                    .as_secs_f64(),
                ..Timings::default()
            },
            segments: lab.plan().segments.len(),
            nodes: lab.plan().nodes.iter().map(node_report).collect(),
            picture: Picture {
                mermaid: graph::mermaid(topology),
                svg: graph::svg(topology),
            },
            scenarios: Vec::new(),
            captures: Vec::new(),
            warnings: lab.warnings(),
            host: host(),
        }
    }
}

/// Raises and provisions a lab.
///
/// # Errors
/// Why it could not be raised.
pub async fn raise(
    request: &Request,
    backend: Arc<dyn Backend>,
    state: &StateDir,
    reaper: Reaper,
    progress: &Progress,
) -> Result<(Lab, RaiseTimings), Failure> {
    let plan = request.plan();
    progress.tell(&RunEvent::Raising {
        lab: plan.lab.to_string(),
        backend: backend.kind().to_string(),
        nodes: plan.nodes.len(),
        segments: plan.segments.len(),
    });
    let new = state.create(&plan.lab)?;
    let (lab, timings) = Lab::raise(backend, plan, new, reaper).await?;
    lab.set_conditions(&lab.plan().links).await?;
    lab.provision(&provisions(&request.topology)).await?;
    warn_of(&lab, progress);
    progress.tell(&RunEvent::Raised {
        seconds: timings.ready.as_secs_f64(),
    });
    Ok((lab, timings))
}

fn warn_of(lab: &Lab, progress: &Progress) {
    for text in lab.warnings() {
        progress.tell(&RunEvent::Warning { text });
    }
}

/// Leaves a lab up.
///
/// # Errors
/// If it cannot be recorded; the lab is then taken away.
pub async fn keep(lab: Lab, request: &Request) -> Result<(), Failure> {
    let source = &request.source;
    let file = std::path::absolute(&source.file).unwrap_or_else(|_| source.file.clone());
    lab.keep(|handle, plan| LabRecord {
        handle,
        plan,
        file,
        text: source.text.clone(),
        overrides: source.overrides.clone(),
        raised: Timestamp::now().strftime("%FT%TZ").to_string(),
    })
    .await?;
    Ok(())
}

/// The worst of what was tried; skipped where all was; passed where there was nothing to do.
fn outcome(scenarios: &[ScenarioReport]) -> Outcome {
    let tried = scenarios
        .iter()
        .map(|s| s.outcome)
        .filter(|outcome| *outcome != Outcome::Skipped);
    let nothing = if scenarios.is_empty() {
        Outcome::Passed
    } else {
        Outcome::Skipped
    };
    tried.max().unwrap_or(nothing)
}

/// Makes the run directory with an empty journal, or goes on with the one of a run that was
/// interrupted, whose seed it then is.
fn place(
    request: &Request,
    options: &ScenarioArgs,
    subject: &Subject,
    started: Timestamp,
) -> Result<(RunFolder, Journal, u32), Failure> {
    let folder = match &options.out {
        Some(out) if options.resume => {
            let missing = || ResumeError::Nothing { path: out.clone() };
            if !out.is_dir() {
                return Err(missing().into());
            }
            let folder = RunFolder::resume_at(out)?;
            let has_seed = options.seed.is_some();
            let (journal, before) = Journal::resume(&folder.file(CELLS), subject, has_seed)?;
            return Ok((folder, journal, before.seed));
        }
        Some(out) => RunFolder::create_at(out)?,
        None => {
            let name = request.topology.name.as_str();
            let time = started.strftime("%Y%m%d-%H%M%S").to_string();
            RunFolder::create(Path::new(""), name, &time)?
        }
    };
    let journal = Journal::create(&folder.file(CELLS), subject)?;
    Ok((folder, journal, subject.seed))
}

/// Returns the warning for a scenario that was taken up again.
fn resumed(scenario: &ScenarioReport) -> Option<String> {
    let (earlier, all) = (scenario.earlier_cells, scenario.cells.len());
    (earlier > 0).then(|| {
        let name = &scenario.name;
        format!(
            "{earlier} of {all} cells of {name} were run before the run was interrupted; what was captured \
             then lies in captures/ without a verdict"
        )
    })
}

fn skipped_somewhere(scenario: &ScenarioReport) -> bool {
    scenario.outcome == Outcome::Skipped
        || scenario
            .cells
            .iter()
            .any(|cell| cell.outcome == Outcome::Skipped)
}

fn node_report(node: &crate::plan::PlannedNode) -> NodeReport {
    let interface = |interface: &protocol::settings::InterfaceSettings| {
        let addresses: Vec<_> = interface
            .addresses
            .iter()
            .map(ToString::to_string)
            .collect();
        format!("{} {}", interface.name, addresses.join(" "))
            .trim_end()
            .to_owned()
    };
    let interfaces = node.settings.interfaces.iter().map(interface).collect();
    NodeReport {
        name: node.name.to_string(),
        interfaces,
    }
}

fn host() -> HostReport {
    let kernel = nix::sys::utsname::uname()
        .map(|name| name.release().to_string_lossy().into_owned())
        .unwrap_or_default();
    HostReport {
        kernel,
        architecture: std::env::consts::ARCH.to_owned(),
        cpus: std::thread::available_parallelism().map_or(1, usize::from),
        orchestrator: env!("CARGO_PKG_VERSION").to_owned(),
    }
}
