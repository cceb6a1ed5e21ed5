//! The proofs from the captures of a scenario.

use ipnet::Ipv4Net;

use crate::report::model::{CaptureReport, Finding, Outcome, ProofReport};
use crate::topology::model::{Scenario, Transfer};
use crate::verify::packets::{self, Delivery};

use super::context::{RunContext, ScenarioError};
use super::transfer::paths::{Crossing, Paths};

/// Proves from the captures of a broadcast that its frames were broadcast and that every receiver's
/// interface saw them; of other scenarios, that no capture lacks frames. Nothing captured, nothing
/// proved.
///
/// # Errors
/// If no network holds the broadcast's ends, or the verifier breaks off.
pub async fn judge(
    cx: &RunContext<'_>,
    scenario: &Scenario,
    captures: &[CaptureReport],
) -> Result<Vec<ProofReport>, ScenarioError> {
    if captures.is_empty() {
        return Ok(Vec::new());
    }
    let paths = Paths::of(cx.lab.plan(), &scenario.work)?;
    let crossing = paths.and_then(|paths| paths.broadcast);
    let (Some(crossing), Some(transfer)) = (crossing, scenario.work.transfer()) else {
        return Ok(gaps(captures).into_iter().collect());
    };
    let question = Question::new(cx, transfer, crossing, captures);
    let judged = tokio::task::spawn_blocking(move || question.judge()).await;
    let proof = judged.map_err(|panic| ScenarioError::Verifier(panic.to_string()))?;
    Ok(vec![proof])
}

/// The question to judge. It owns its data, so that it can be judged where blocking is allowed.
struct Question {
    captures: Vec<CaptureReport>,
    folder: std::path::PathBuf,
    port: u16,
    sender: String,
    crossing: Crossing,
    from: [Ipv4Net; 1],
    delivery: Delivery,
}

impl Question {
    fn new(
        cx: &RunContext<'_>,
        transfer: &Transfer,
        crossing: Crossing,
        captures: &[CaptureReport],
    ) -> Self {
        Self {
            captures: captures.to_vec(),
            folder: cx.evidence.root().to_owned(),
            port: transfer.port,
            sender: transfer.from.to_string(),
            from: [crossing.net],
            crossing,
            delivery: if cx.lab.is_lossless() {
                Delivery::Perfect
            } else {
                Delivery::Impaired
            },
        }
    }

    fn judge(&self) -> ProofReport {
        let of = |node: &str, interface: &str| {
            self.captures
                .iter()
                .find(|c| c.node == node && c.interface == interface)
        };
        let Some(sender) = of(&self.sender, self.crossing.from.as_str()) else {
            return missing(&self.sender);
        };
        let receivers = self.crossing.to.iter().map(|(node, interface)| {
            of(node.as_str(), interface.as_str()).ok_or_else(|| missing(node.as_str()))
        });
        let receivers = match receivers.collect::<Result<Vec<_>, _>>() {
            Ok(receivers) => receivers,
            Err(missing) => return missing,
        };
        packets::judge(&packets::Broadcast {
            sender,
            receivers,
            folder: &self.folder,
            from: &self.from,
            port: self.port,
            delivery: self.delivery,
        })
    }
}

fn missing(node: &str) -> ProofReport {
    let text = format!("there is no capture of {node}");
    let finding = Finding {
        outcome: Outcome::Incomplete,
        node: Some(node.to_owned()),
        text: text.clone(),
    };
    ProofReport {
        name: "broadcast frames".to_owned(),
        outcome: Outcome::Incomplete,
        summary: text,
        findings: vec![finding],
    }
}

/// Names the captures that lack frames; `None` where all are whole.
fn gaps(captures: &[CaptureReport]) -> Option<ProofReport> {
    let findings: Vec<Finding> = captures.iter().filter_map(gap).collect();
    (!findings.is_empty()).then(|| ProofReport {
        name: "whole captures".to_owned(),
        outcome: Outcome::Incomplete,
        summary: format!(
            "{} of {} captures lack frames",
            findings.len(),
            captures.len()
        ),
        findings,
    })
}

fn gap(capture: &CaptureReport) -> Option<Finding> {
    let why = match &capture.cut_short {
        Some(why) => why.clone(),
        None if capture.dropped > 0 => format!("{} frames were dropped", capture.dropped),
        None => return None,
    };
    let text = format!("the capture of {} is incomplete: {why}", capture.interface);
    Some(Finding {
        outcome: Outcome::Incomplete,
        node: Some(capture.node.clone()),
        text,
    })
}
