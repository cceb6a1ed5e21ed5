//! The verdict over the captures of sender and receivers.

use std::net::Ipv4Addr;
use std::path::Path;

use ipnet::Ipv4Net;
use protocol::settings::MacAddress;

use crate::number::{count, counted};
use crate::report::model::{CaptureReport, Finding, Outcome, ProofReport};

use super::frame::Filter;
use super::traffic::{Destination, Traffic};

/// A broadcast, and the captures that speak of it.
#[derive(Debug, Clone)]
pub struct Broadcast<'a> {
    /// The capture of the interface that it was sent from.
    pub sender: &'a CaptureReport,
    /// The receivers on the same network.
    pub receivers: Vec<Receiver<'a>>,
    /// The folder that the captures' file names start from.
    pub folder: &'a Path,
    /// The IPv4 addresses of the sender's interface.
    pub from: &'a [Ipv4Net],
    /// The UDP port that it was sent to.
    pub port: u16,
}

/// A receiver of a broadcast.
#[derive(Debug, Clone, Copy)]
pub struct Receiver<'a> {
    /// The capture of its interface.
    pub capture: &'a CaptureReport,
    /// The effects that the links on the way to it may have on frames.
    pub delivery: Delivery,
}

/// The effects that the links between the sender and a receiver may have on frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Nothing: a frame that is not seen is a failure.
    Perfect,
    /// Lose or change some, as the topology says or as programs do that carry them: what was seen is
    /// only counted, unless it is nothing.
    Impaired,
}

/// Judges whether every frame went to everyone and each receiver's interface saw all of them.
///
/// Frames are matched by what they carry, one for one. A superframe (GSO), which the kernel cuts up
/// behind one capture and before another, matches its pieces. Captures that dropped frames, were cut
/// short or cannot be read make the verdict [`Outcome::Incomplete`], whatever else they show.
pub fn judge(broadcast: &Broadcast<'_>) -> ProofReport {
    let gaps = gaps(broadcast);
    if !gaps.is_empty() {
        return incomplete(gaps);
    }
    weigh(broadcast).unwrap_or_else(|gap| incomplete(vec![gap]))
}

/// Lists the reasons not to rely on the captures.
fn gaps(broadcast: &Broadcast<'_>) -> Vec<Finding> {
    let receivers = broadcast.receivers.iter().map(|receiver| receiver.capture);
    let all = std::iter::once(broadcast.sender).chain(receivers);
    all.filter_map(|capture| {
        let dropped = || (capture.dropped > 0).then(|| dropped(capture.dropped));
        let why = capture.cut_short.clone().or_else(dropped)?;
        Some(gap(capture, &why))
    })
    .collect()
}

fn dropped(frames: u64) -> String {
    format!("the kernel dropped {}", counted(frames, "frame"))
}

fn gap(capture: &CaptureReport, why: &str) -> Finding {
    Finding {
        outcome: Outcome::Incomplete,
        node: Some(capture.node.clone()),
        text: format!(
            "the capture of {}'s {} is incomplete: {why}",
            capture.node, capture.interface
        ),
    }
}

fn incomplete(findings: Vec<Finding>) -> ProofReport {
    let nodes: Vec<&str> = findings.iter().filter_map(|f| f.node.as_deref()).collect();
    let summary = format!(
        "no verdict on the broadcast frames: incomplete capture at {}",
        nodes.join(", ")
    );
    proof(Outcome::Incomplete, summary, findings)
}

fn proof(outcome: Outcome, summary: String, findings: Vec<Finding>) -> ProofReport {
    ProofReport {
        name: "broadcast frames".to_owned(),
        outcome,
        summary,
        findings,
    }
}

/// Reads the captures and weighs them; an error is a capture that cannot be relied on.
fn weigh(broadcast: &Broadcast<'_>) -> Result<ProofReport, Finding> {
    let sender = broadcast.sender;
    let sent = read(broadcast, sender, usize::MAX)?;
    let mut findings = Vec::new();
    if sent.is_empty() {
        findings.push(failure(
            sender,
            format!(
                "no datagram to port {} left {}'s {}",
                broadcast.port, sender.node, sender.interface
            ),
        ));
    }
    let mut arrivals = Vec::new();
    for &Receiver { capture, delivery } in &broadcast.receivers {
        let seen = seen(broadcast, &sent, capture)?;
        // Where links may lose frames, none at all is still no broadcast.
        let may_be = delivery != Delivery::Perfect && seen > 0;
        if seen < sent.len() && !may_be {
            findings.push(lost(broadcast, capture, seen, sent.len()));
        }
        arrivals.push((capture, seen));
    }
    findings.extend(strays(broadcast, &sent));
    let (outcome, summary) = match findings.first() {
        Some(worst) => (Outcome::Failed, worst.text.clone()),
        None => (Outcome::Passed, reached(sent.len(), &arrivals)),
    };
    Ok(proof(outcome, summary, findings))
}

fn read(
    broadcast: &Broadcast<'_>,
    capture: &CaptureReport,
    piece: usize,
) -> Result<Traffic, Finding> {
    let filter = Filter {
        from: broadcast.from.iter().map(Ipv4Net::addr).collect(),
        port: broadcast.port,
    };
    let path = broadcast.folder.join(&capture.file);
    let traffic = Traffic::read(&path, &filter, piece).map_err(|e| gap(capture, &e.to_string()))?;
    if traffic.packets() != capture.packets {
        let (held, reported) = (count(traffic.packets()), count(capture.packets));
        let why = format!("its file holds {held} of {reported} frames");
        return Err(gap(capture, &why));
    }
    Ok(traffic)
}

/// Counts the sent frames that the receiver's interface saw.
fn seen(
    broadcast: &Broadcast<'_>,
    sent: &Traffic,
    receiver: &CaptureReport,
) -> Result<u64, Finding> {
    let there = read(broadcast, receiver, usize::MAX)?;
    let seen = sent.also_in(&there);
    let piece = sent.largest().min(there.largest());
    // One side has superframes that the other has in pieces: the larger pieces say how to cut.
    let divided = sent.largest() != there.largest() && piece > 0;
    if seen == sent.len() || !divided {
        return Ok(seen);
    }
    let sent = read(broadcast, broadcast.sender, piece)?;
    let there = read(broadcast, receiver, piece)?;
    Ok(sent.also_in(&there))
}

fn lost(broadcast: &Broadcast<'_>, receiver: &CaptureReport, seen: u64, sent: u64) -> Finding {
    let sender = broadcast.sender;
    failure(
        receiver,
        format!(
            "{}'s {} saw {} of {} that {}'s {} sent",
            receiver.node,
            receiver.interface,
            count(seen),
            counted(sent, "broadcast frame"),
            sender.node,
            sender.interface,
        ),
    )
}

/// Frames of the sender that did not go to everyone.
fn strays(broadcast: &Broadcast<'_>, sent: &Traffic) -> Vec<Finding> {
    let sender = broadcast.sender;
    let stray = |(to, _): &&(Destination, u64)| !is_broadcast(*to, broadcast.from);
    let told = |(to, frames): &(Destination, u64)| {
        failure(
            sender,
            format!(
                "{} to port {} left {}'s {} for {} at {}, not for everyone",
                counted(*frames, "frame"),
                broadcast.port,
                sender.node,
                sender.interface,
                to.ip,
                MacAddress(to.hardware),
            ),
        )
    };
    sent.destinations().iter().filter(stray).map(told).collect()
}

fn is_broadcast(to: Destination, from: &[Ipv4Net]) -> bool {
    let everyone = to.ip == Ipv4Addr::BROADCAST || from.iter().any(|n| n.broadcast() == to.ip);
    everyone && to.hardware == [0xff; 6]
}

fn failure(capture: &CaptureReport, text: String) -> Finding {
    Finding {
        outcome: Outcome::Failed,
        node: Some(capture.node.clone()),
        text,
    }
}

/// The line for a broadcast that is as it should be.
fn reached(sent: u64, arrivals: &[(&CaptureReport, u64)]) -> String {
    let frames = count(sent);
    if arrivals.iter().all(|(_, seen)| *seen == sent) {
        let receivers = match arrivals {
            [(only, _)] => only.node.clone(),
            [_, _] => "both receivers".to_owned(),
            more => format!("all {} receivers", more.len()),
        };
        return format!("every broadcast frame ({frames}) reached {receivers}");
    }
    let seen = arrivals
        .iter()
        .map(|(receiver, seen)| format!("{} saw {}", receiver.node, count(*seen)));
    let seen: Vec<String> = seen.collect();
    format!(
        "of {} over links that may lose some, {}",
        counted(sent, "broadcast frame"),
        seen.join(", ")
    )
}

#[cfg(test)]
#[path = "judge_test.rs"]
mod tests;
