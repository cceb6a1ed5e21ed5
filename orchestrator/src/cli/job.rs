//! One run, from its run directory to its reports.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use crate::backend::Backend;
use crate::evidence::folder::{EVENTS, TOPOLOGY};
use crate::evidence::{CaptureBudget, EventLog, RunFolder};
use crate::lab::{Lab, LabRecord, RaiseTimings, Reaper, StateDir};
use crate::report::event::RunEvent;
use crate::report::model::{
    HostReport, NodeReport, Outcome, Picture, RunReport, SCHEMA, ScenarioReport, Timings,
};
use crate::scenario::{RunContext, keep_logs, run_all};
use crate::topology::{graph, resolved_toml};

use super::args::{Format, ScenarioArgs};
use super::console::Console;
use super::failure::{Failure, Status};
use super::progress::Progress;
use super::request::{Request, random};
use super::{render, summary};

/// One run, from its run directory to its reports.
#[derive(Debug)]
pub struct Job {
    /// What is asked for.
    pub request: Request,
    options: ScenarioArgs,
    console: Console,
    folder: RunFolder,
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
    pub fn begin(
        request: Request,
        options: ScenarioArgs,
        console: Console,
    ) -> Result<Self, Failure> {
        request.check_scenarios(&options)?;
        let name = request.topology.name.as_str();
        let (start, started) = (Instant::now(), Timestamp::now());
        let folder = match &options.out {
            Some(out) => RunFolder::create_at(out)?,
            None => RunFolder::create(
                Path::new("."),
                name,
                &started.strftime("%Y%m%d-%H%M%S").to_string(),
            )?,
        };
        folder.write(TOPOLOGY, resolved_toml(&request.topology).as_bytes())?;
        let progress = Progress::new(
            console,
            Some(EventLog::create(&folder.file(EVENTS), start)?),
        );
        let seed = options.seed.map_or_else(random, Ok)?;
        let (timings, budget) = (RaiseTimings::default(), Arc::new(CaptureBudget::default()));
        Ok(Self {
            request,
            options,
            console,
            folder,
            budget,
            progress,
            start,
            started,
            timings,
            seed,
        })
    }

    /// Raises and furnishes the lab.
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

    /// Runs the scenarios, as often as asked for.
    pub async fn scenarios(&self, lab: &Lab) -> RunReport {
        let begun = Instant::now();
        let source = &self.request.source;
        let cx = RunContext {
            lab,
            topology: &self.request.topology,
            reread: &|values| source.read(values),
            evidence: &self.folder,
            budget: &self.budget,
            observer: &self.progress,
            keep_received: self.options.keep_received,
        };
        let (scenarios, captures) = run_all(&cx, &self.options.scenario, self.options.repeat).await;
        let lost = keep_logs(&cx).await;
        let mut report = self.empty_report(lab);
        report.warnings.extend(lost);
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
        render::write_reports(&self.folder, &report)?;
        match self.console.format {
            Format::Json => self.console.json(&report)?,
            Format::Table => {
                self.console
                    .result(render::verdict(&report, &self.folder, self.console));
                if left_up {
                    self.console
                        .result(summary::next_steps(&self.request.topology));
                }
            }
        }
        let some_skipped = report.scenarios.iter().any(skipped_somewhere);
        if some_skipped && outcome == Outcome::Passed {
            self.console
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

/// Raises and furnishes a lab.
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
    let folder = state.create(&plan.lab)?;
    let (lab, timings) = Lab::raise(backend, plan, folder, reaper).await?;
    lab.furnish(&request.topology).await?;
    for text in lab.warnings() {
        progress.tell(&RunEvent::Warning { text });
    }
    progress.tell(&RunEvent::Raised {
        seconds: timings.ready.as_secs_f64(),
    });
    Ok((lab, timings))
}

/// Leaves a lab up.
///
/// # Errors
/// If it cannot be recorded; the lab is then taken away.
pub async fn keep(lab: Lab, request: &Request) -> Result<(), Failure> {
    let source = &request.source;
    let file = std::path::absolute(&source.file).unwrap_or_else(|_| source.file.clone());
    lab.keep(|hold, plan| LabRecord {
        hold,
        plan,
        file,
        text: source.text.clone(),
        overrides: source.overrides.clone(),
        raised: Timestamp::now().to_string(),
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
