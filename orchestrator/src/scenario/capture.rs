//! The captures of every interface while a scenario ran: one pcapng file each, from before the scenario until
//! after it.

use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::{join_all, try_join_all};
use protocol::control::{Capture, CaptureSummary};
use protocol::name::{InterfaceName, NodeName};
use tokio::fs::File;
use tokio::io::{AsyncWriteExt, BufWriter};
use tokio::task::JoinHandle;

use crate::control::error::ControlErrorKind;
use crate::control::transfer::{CaptureStopper, Captured};
use crate::control::{CaptureStream, ControlError};
use crate::evidence::{CaptureBudget, EvidenceError, RunFolder};
use crate::report::event::RunEvent;
use crate::report::model::CaptureReport;
use crate::topology::model::{CaptureMode, Scenario};

use super::context::{RunContext, ScenarioError};

/// The captures of a scenario, under way.
#[derive(Debug)]
pub struct Captures {
    running: Vec<Running>,
}

#[derive(Debug)]
struct Running {
    report: CaptureReport,
    stopper: CaptureStopper,
    writer: JoinHandle<Result<CaptureSummary, WriteFailure>>,
}

/// Why a capture's file is not whole.
#[derive(Debug, thiserror::Error)]
enum WriteFailure {
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error("writing {path}: {source}")]
    File {
        path: PathBuf,
        source: std::io::Error,
    },
}

impl Captures {
    /// Begins to capture on every interface of every node that lives. When it returns, every later
    /// frame is seen.
    ///
    /// # Errors
    /// If a file cannot be made here, or a node may not capture.
    pub async fn begin(cx: &RunContext<'_>, scenario: &Scenario) -> Result<Self, ScenarioError> {
        let snap_length = match scenario.capture {
            CaptureMode::Off => {
                return Ok(Self {
                    running: Vec::new(),
                });
            }
            CaptureMode::Headers => Some(HEADERS),
            CaptureMode::Full => None,
        };
        let budget = match scenario.capture_limit {
            Some(limit) => Arc::new(CaptureBudget::new(limit.0)),
            None => Arc::clone(cx.budget),
        };
        let nodes = cx.lab.plan().nodes.iter();
        let living = nodes.filter(|node| !cx.lab.gone().contains_key(&node.name));
        let ends = living.flat_map(|node| {
            node.settings
                .interfaces
                .iter()
                .map(move |interface| (&node.name, &interface.name))
        });
        let begun = ends.map(|(node, interface)| {
            let interface = interface.clone();
            begin_one(
                cx,
                (&scenario.name, node),
                Arc::clone(&budget),
                Capture {
                    interface,
                    snap_length,
                    limit: u64::MAX,
                },
            )
        });
        Ok(Self {
            running: try_join_all(begun).await?,
        })
    }

    /// Ends them all after everything that has arrived by now was written.
    ///
    /// A capture whose end could not be written is reported as cut short, never as whole.
    pub async fn end(self, cx: &RunContext<'_>) -> Vec<CaptureReport> {
        let reports = join_all(self.running.into_iter().map(Running::end)).await;
        for report in &reports {
            cx.tell(&RunEvent::CaptureEnded(report.clone()));
        }
        reports
    }
}

impl Running {
    async fn end(mut self) -> CaptureReport {
        if let Err(silent) = stop(&self.stopper).await {
            self.writer.abort();
            self.report.cut_short = Some(silent.to_string());
            return self.report;
        }
        match self.writer.await {
            Ok(Ok(summary)) => {
                self.report.packets = summary.packets;
                self.report.dropped = summary.dropped;
                self.report.cut_short = summary.cut_short;
            }
            Ok(Err(failure)) => self.report.cut_short = Some(failure.to_string()),
            Err(panic) => self.report.cut_short = Some(panic.to_string()),
        }
        self.report
    }
}

async fn begin_one(
    cx: &RunContext<'_>,
    (scenario, node): (&str, &NodeName),
    budget: Arc<CaptureBudget>,
    capture: Capture,
) -> Result<Running, ScenarioError> {
    let path = cx
        .evidence
        .capture(scenario, node.as_str(), capture.interface.as_str())?;
    let report = empty_report(cx.evidence, scenario, node, &capture.interface, &path);
    let file = File::create(&path)
        .await
        .map_err(|source| EvidenceError::at(&path, source))?;
    let stream = cx.node(node)?.capture(capture).await?;
    let stopper = stream.stopper();
    let writer = tokio::spawn(write_all(stream, file, path, stopper.clone(), budget));
    Ok(Running {
        report,
        stopper,
        writer,
    })
}

/// Stops a capture. One that has ended, by its limit or because it was stopped already, has nothing
/// to stop; its summary still comes, and says so.
///
/// # Errors
/// If its node does not answer: nothing more comes then.
async fn stop(stopper: &CaptureStopper) -> Result<(), ControlError> {
    match stopper.stop().await {
        Err(error) if matches!(error.kind, ControlErrorKind::Deadline { .. }) => Err(error),
        Err(error) => {
            tracing::debug!(%error, "stopped a capture that had ended");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

async fn write_all(
    mut stream: CaptureStream,
    file: File,
    path: PathBuf,
    stopper: CaptureStopper,
    budget: Arc<CaptureBudget>,
) -> Result<CaptureSummary, WriteFailure> {
    let mut file = BufWriter::with_capacity(WRITE_BUFFER, file);
    let mut trouble = None;
    loop {
        match stream.next().await? {
            // After trouble the rest is still read, so that the node's other conversations go on.
            Captured::Bytes(_) if trouble.is_some() => {}
            Captured::Bytes(bytes) => {
                trouble = if budget.take(bytes.len() as u64) {
                    let written = file.write_all(&bytes).await;
                    written
                        .err()
                        .map(|error| format!("writing {}: {error}", path.display()))
                } else {
                    Some("the size limit for captures was reached".to_owned())
                };
                if trouble.is_some() {
                    stop(&stopper).await?;
                }
            }
            Captured::Ended(mut summary) => {
                summary.cut_short = trouble.or(summary.cut_short);
                let flushed = file.flush().await;
                flushed.map_err(|source| WriteFailure::File { path, source })?;
                return Ok(summary);
            }
        }
    }
}

fn empty_report(
    evidence: &RunFolder,
    scenario: &str,
    node: &NodeName,
    interface: &InterfaceName,
    path: &std::path::Path,
) -> CaptureReport {
    CaptureReport {
        scenario: scenario.to_owned(),
        node: node.to_string(),
        interface: interface.to_string(),
        file: evidence.relative(path),
        packets: 0,
        dropped: 0,
        cut_short: None,
    }
}

/// The bytes of each frame that `capture = "headers"` keeps.
const HEADERS: u32 = 128;

const WRITE_BUFFER: usize = 256 << 10;
