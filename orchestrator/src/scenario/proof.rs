//! The proofs from the captures of a scenario.

use ipnet::Ipv4Net;
use protocol::link::Port;
use protocol::name::{InterfaceName, NodeName};

use crate::plan::{Carrier, LinkConditions};
use crate::report::model::{CaptureReport, Finding, Outcome, ProofReport};
use crate::topology::model::{Scenario, Transfer};
use crate::verify::packets::{self, Delivery, Receiver};

use super::context::{RunContext, ScenarioError};
use super::transfer::paths::{Crossing, Paths};

/// Proves from the captures of a broadcast that its frames were broadcast and that every receiver's
/// interface saw them; of other scenarios, that no capture lacks frames. Nothing captured, nothing
/// proved. `met` has the conditions of every cell that the captures saw.
///
/// # Errors
/// If no network holds the broadcast's ends, or the verifier breaks off.
pub async fn judge(
    cx: &RunContext<'_>,
    scenario: &Scenario,
    captures: &[CaptureReport],
    met: &[LinkConditions],
) -> Result<Vec<ProofReport>, ScenarioError> {
    if captures.is_empty() {
        return Ok(Vec::new());
    }
    let paths = Paths::of(cx.lab.plan(), &scenario.work)?;
    let crossing = paths.and_then(|paths| paths.broadcast);
    let (Some(crossing), Some(transfer)) = (crossing, scenario.work.transfer()) else {
        return Ok(gaps(captures).into_iter().collect());
    };
    let question = Question::new(cx, (transfer, crossing), captures, met);
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
    /// For each receiver of the crossing.
    deliveries: Vec<Delivery>,
}

impl Question {
    fn new(
        cx: &RunContext<'_>,
        (transfer, crossing): (&Transfer, Crossing),
        captures: &[CaptureReport],
        met: &[LinkConditions],
    ) -> Self {
        let carrier = cx.capabilities.carrier;
        Self {
            captures: captures.to_vec(),
            folder: cx.evidence.root().to_owned(),
            deliveries: deliveries(&transfer.from, &crossing, (met, carrier)),
            port: transfer.port,
            sender: transfer.from.to_string(),
            from: [crossing.net],
            crossing,
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
        let to = self.crossing.to.iter().zip(&self.deliveries);
        let receivers = to.map(|((node, interface), &delivery)| {
            let capture = of(node.as_str(), interface.as_str());
            let capture = capture.ok_or_else(|| missing(node.as_str()))?;
            Ok(Receiver { capture, delivery })
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
        })
    }
}

/// Judges the path to each receiver: it is perfect if each of its links was lossless in every cell.
fn deliveries(
    from: &NodeName,
    crossing: &Crossing,
    (met, carrier): (&[LinkConditions], Carrier),
) -> Vec<Delivery> {
    let port = |node: &NodeName, interface: &InterfaceName| Port {
        node: node.clone(),
        interface: interface.clone(),
    };
    let from = port(from, &crossing.from);
    let of = |(node, interface): &(NodeName, InterfaceName)| {
        let to = port(node, interface);
        let is_lossless = |links: &LinkConditions| links.is_lossless([&from, &to], carrier);
        if met.iter().all(is_lossless) {
            Delivery::Perfect
        } else {
            Delivery::Impaired
        }
    };
    crossing.to.iter().map(of).collect()
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

#[cfg(test)]
#[path = "proof_test.rs"]
mod tests;
