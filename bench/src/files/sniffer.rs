//! Captures of headers while something is measured: what they cost belongs to it.

use orchestrator::control::transfer::{CaptureStopper, Captured};
use orchestrator::control::{CaptureStream, ControlError};
use orchestrator::lab::Lab;
use protocol::control::{Capture, CaptureSummary};
use tokio::task::JoinHandle;

use crate::error::BenchError;

/// A capture of one interface. What it sends is counted and dropped.
#[derive(Debug)]
pub(super) struct Sniffer {
    stopper: CaptureStopper,
    reader: JoinHandle<Result<CaptureSummary, ControlError>>,
}

/// What all of them saw.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    pub(super) packets: u64,
    pub(super) dropped: u64,
}

impl Sniffer {
    /// Captures on every interface of every node.
    pub(super) async fn begin_all(lab: &Lab) -> Result<Vec<Self>, BenchError> {
        let mut sniffers = Vec::new();
        for node in &lab.plan().nodes {
            let Some(control) = lab.node(&node.settings.name) else {
                continue;
            };
            for interface in &node.settings.interfaces {
                let capture = Capture {
                    interface: interface.name.clone(),
                    snap_length: Some(HEADERS),
                    limit: u64::MAX,
                };
                let stream = control.capture(capture).await?;
                sniffers.push(Self {
                    stopper: stream.stopper(),
                    reader: tokio::spawn(read(stream)),
                });
            }
        }
        Ok(sniffers)
    }

    /// Ends them.
    pub(super) async fn end_all(sniffers: Vec<Self>) -> Result<Seen, BenchError> {
        let mut seen = Seen::default();
        for sniffer in sniffers {
            sniffer.stopper.stop().await?;
            let summary = sniffer.reader.await;
            let ended = |_| BenchError::Wrong("a capture broke off".to_owned());
            let summary = summary.map_err(ended)??;
            seen.packets += summary.packets;
            seen.dropped += summary.dropped;
        }
        Ok(seen)
    }
}

async fn read(mut stream: CaptureStream) -> Result<CaptureSummary, ControlError> {
    loop {
        if let Captured::Ended(summary) = stream.next().await? {
            return Ok(summary);
        }
    }
}

/// Bytes kept of each frame, as scenarios keep.
const HEADERS: u32 = 128;
