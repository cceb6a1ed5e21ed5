//! A run, its scenarios and their cells.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::stress::{StressReport, StressSummary};

/// The version of this form.
pub const SCHEMA: u32 = 1;

/// A finished run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The lab's name.
    pub lab: String,
    /// The topology's summary.
    #[serde(default)]
    pub summary: Option<String>,
    /// Where it ran.
    pub backend: String,
    /// The seed, eight hexadecimal digits.
    pub seed: String,
    /// When it began, RFC 3339 in UTC.
    pub started: String,
    /// The overall outcome.
    pub outcome: Outcome,
    /// From the first act to the last.
    pub duration_s: f64,
    /// Where the time went.
    pub timings: Timings,
    /// Networks and wires of the lab.
    #[serde(default)]
    pub segments: usize,
    /// The nodes that took part.
    #[serde(default)]
    pub nodes: Vec<NodeReport>,
    /// The lab as a mermaid graph and as SVG, for the reports.
    #[serde(default)]
    pub picture: Picture,
    /// The scenarios in their order.
    pub scenarios: Vec<ScenarioReport>,
    /// The captures.
    pub captures: Vec<CaptureReport>,
    /// Warnings to the reader that belong to no scenario.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// The machine.
    pub host: HostReport,
}

/// An outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It is as it should be.
    #[default]
    Passed,
    /// It could not be tried here; the reason is beside it. Never counted as passed.
    Skipped,
    /// The evidence does not suffice for a verdict: a capture that dropped packets.
    Incomplete,
    /// It is not as it should be.
    Failed,
    /// It could not be carried out.
    Error,
}

impl Outcome {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Skipped => "skipped",
            Self::Incomplete => "incomplete",
            Self::Failed => "failed",
            Self::Error => "error",
        }
    }
}

/// Where the time went, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Timings {
    /// From the first resource to the last; 0 where the lab was up already, as is `ready`.
    pub raise: f64,
    /// From then on until the last node was configured and had answered.
    pub ready: f64,
    /// The scenarios.
    pub run: f64,
    /// Taking it down; 0 where it was left up.
    pub down: f64,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeReport {
    /// Its name.
    pub name: String,
    /// Its interfaces' addresses, `eth0 192.168.122.5/24`.
    pub interfaces: Vec<String>,
}

/// The lab, drawn.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// A mermaid graph.
    pub mermaid: String,
    /// An SVG element.
    pub svg: String,
}

/// A scenario.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ScenarioReport {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// The worst of its cells.
    pub outcome: Outcome,
    /// Its purpose, in a line.
    #[serde(default)]
    pub headline: String,
    /// Why it was skipped or could not be carried out.
    #[serde(default)]
    pub reason: Option<String>,
    /// One for each combination of the matrix, at least one.
    pub cells: Vec<CellReport>,
    /// The proofs from its captures.
    #[serde(default)]
    pub proofs: Vec<ProofReport>,
    /// The number of its cells that were run before the run was interrupted and taken up again.
    #[serde(default)]
    pub earlier_cells: usize,
    /// The summary of its stress cells.
    #[serde(default, rename = "load")]
    pub stress: Option<StressSummary>,
}

impl ScenarioReport {
    /// Its proofs that are news: where cells were to fail, and did, frames that did not arrive are a
    /// part of that.
    pub fn telling_proofs(&self) -> impl Iterator<Item = &ProofReport> {
        let taught = self.cells.iter().any(|cell| cell.expected.is_some());
        let telling = move |proof: &&ProofReport| !taught || proof.outcome != Outcome::Failed;
        self.proofs.iter().filter(telling)
    }
}

/// One parameter combination.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CellReport {
    /// Its number in the matrix, from 1, the same for all of its repetitions.
    #[serde(default)]
    pub number: usize,
    /// The parameters.
    pub params: BTreeMap<String, String>,
    /// Its outcome.
    pub outcome: Outcome,
    /// Its duration.
    pub duration_s: f64,
    /// Each link that was bad meanwhile: what it did, and by what means.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<String>,
    /// The measurements, by name with unit: `goodput_bytes_per_s`, `datagrams`.
    pub metrics: BTreeMap<String, f64>,
    /// Each file at each node where it was due.
    pub files: Vec<FileReport>,
    /// The steps of a `steps` scenario, or the commands to a file server.
    #[serde(default)]
    pub steps: Vec<StepReport>,
    /// The findings, the worst first.
    pub findings: Vec<Finding>,
    /// The senders at work, and the time of each file.
    #[serde(default)]
    pub work: Option<WorkReport>,
    /// The figures of clients at a file server.
    #[serde(default, rename = "load")]
    pub stress: Option<StressReport>,
    /// Why it was to fail, where it did and was to; its outcome is then that it passed.
    #[serde(default)]
    pub expected: Option<String>,
}

/// The way files were sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkReport {
    /// The concurrency model.
    pub model: String,
    /// The layout of files in datagrams.
    pub framing: String,
    /// When the first worker was about to be started, RFC 3339 in UTC.
    pub started: String,
    /// When the last one had ended.
    pub ended: String,
    /// The time between.
    pub seconds: f64,
    /// The most processes that were at work at once.
    pub processes: u32,
    /// The most threads of one process.
    pub threads: u32,
    /// The most tasks at once.
    pub tasks: u32,
    /// The most workers that there could be, where the model has a pool.
    #[serde(default)]
    pub pool: Option<u32>,
    /// The longest time that a task might take.
    pub deadline_s: f64,
    /// The pause of each task after its file.
    pub pause_s: f64,
    /// Each file's task, in the order of their beginnings.
    pub files: Vec<TaskReport>,
}

/// A file's task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskReport {
    /// The file.
    pub file: String,
    /// Where it was sent to, address and port.
    pub to: String,
    /// The worker that did it.
    pub worker: String,
    /// When it began, RFC 3339 in UTC.
    pub started: String,
    /// The time it took.
    pub seconds: f64,
    /// The file's length.
    pub bytes: u64,
    /// Datagrams sent.
    pub datagrams: u64,
    /// Its outcome.
    pub outcome: Outcome,
    /// Why, where it is not as it should be.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A file at a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReport {
    /// The node.
    pub node: String,
    /// The file's name.
    pub name: String,
    /// Its length as sent.
    pub bytes: u64,
    /// Its length as received.
    #[serde(default)]
    pub bytes_received: Option<u64>,
    /// SHA-256 as sent; none for a file that nobody sent.
    pub sha256_sent: Option<String>,
    /// SHA-256 as received; none for a missing file.
    pub sha256_received: Option<String>,
    /// The result of the comparison.
    pub outcome: FileOutcome,
    /// Offset of the first byte that differs.
    pub first_difference: Option<u64>,
    /// Ranges of the original that are not in the copy at their place, `[first, end)`, at most 16.
    #[serde(default)]
    pub missing: Vec<(u64, u64)>,
    /// Where the copy is kept, relative to the run directory.
    #[serde(default)]
    pub kept: Option<String>,
    /// The name that it has there, where it came without one.
    #[serde(default)]
    pub received_as: Option<String>,
    /// Why it is as it is, where that is known.
    #[serde(default)]
    pub note: Option<String>,
}

impl FileReport {
    /// Notes that no more than `read` bytes of the copy were compared, and that it goes on: it equals nothing,
    /// and neither its length nor its hash is known.
    pub fn goes_on_beyond(&mut self, read: u64) {
        (self.bytes_received, self.sha256_received) = (None, None);
        if self.outcome == FileOutcome::Equal {
            self.outcome = FileOutcome::Changed;
            self.first_difference = Some(self.bytes);
        }
        let longer = if self.outcome == FileOutcome::Extra {
            format!("it is longer than the {read} bytes that were read of it")
        } else {
            format!("it is longer than its original: more than {read} bytes")
        };
        let known = self.note.take().map(|note| format!("{note}; "));
        self.note = Some(known.unwrap_or_default() + &longer);
    }
}

/// The result of comparing a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileOutcome {
    /// Equal byte for byte.
    Equal,
    /// Not there.
    Missing,
    /// Shorter, and equal as far as it goes.
    Cut,
    /// Different bytes.
    Changed,
    /// In one file with others, without a mark where one ends.
    Mixed,
    /// Nobody sent it.
    Extra,
}

impl FileOutcome {
    /// The words for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Missing => "missing",
            Self::Cut => "cut short",
            Self::Changed => "changed",
            Self::Mixed => "mixed",
            Self::Extra => "extra",
        }
    }
}

/// A step, or a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// Its name.
    pub name: String,
    /// Its outcome.
    pub outcome: Outcome,
    /// Its duration.
    pub duration_s: f64,
    /// The output or exit code seen, where it is not as it should be.
    #[serde(default)]
    pub detail: Option<String>,
    /// The server's reply, where the step is a command to one.
    #[serde(default)]
    pub reply: Option<ReplyReport>,
}

impl StepReport {
    /// Returns the noun for it: a step, or a command.
    pub fn noun(&self) -> &'static str {
        match self.reply {
            Some(_) => "command",
            None => "step",
        }
    }
}

/// A server's reply to a command.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyReport {
    /// Its status as it came; none where no reply did.
    pub status: Option<String>,
    /// The other words of the reply.
    #[serde(default)]
    pub words: String,
    /// The number of names it listed.
    #[serde(default)]
    pub names: Option<usize>,
    /// Bytes of the file that went there or came along.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// Which of the client's connections it was, from 1; 0 where there was none.
    #[serde(default)]
    pub connection: u32,
}

/// A proof that a scenario's captures give, or fail to give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofReport {
    /// The subject of the proof, in a few words: `broadcast frames`.
    pub name: String,
    /// Its outcome.
    pub outcome: Outcome,
    /// The observation, in a line.
    pub summary: String,
    /// The evidence against it, the worst first; none where it passed.
    pub findings: Vec<Finding>,
}

/// Something that a reader should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Its effect on the cell.
    pub outcome: Outcome,
    /// The node, where it is about one.
    #[serde(default)]
    pub node: Option<String>,
    /// The observation, as a sentence.
    pub text: String,
}

/// A capture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureReport {
    /// The scenario.
    pub scenario: String,
    /// The node.
    pub node: String,
    /// Its interface.
    pub interface: String,
    /// The file, relative to the run directory.
    pub file: String,
    /// Frames in it.
    pub packets: u64,
    /// Frames that the kernel dropped.
    pub dropped: u64,
    /// Why it is incomplete, where it is.
    #[serde(default)]
    pub cut_short: Option<String>,
}

/// The machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostReport {
    /// The kernel's release.
    pub kernel: String,
    /// The machine's architecture.
    pub architecture: String,
    /// Processors.
    pub cpus: usize,
    /// This tool's version.
    pub orchestrator: String,
}
