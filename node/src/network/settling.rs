//! Waits until links pass frames.

use std::time::{Duration, Instant};

use plumbing::netlink::{LinkIndex, LinkMonitor, RouteSocket};
use protocol::control::{Failure, FailureKind};

use super::configure::refused;

/// Hears of links from before they come up.
#[derive(Debug)]
pub struct Settling(LinkMonitor);

impl Settling {
    /// Listens from now on.
    ///
    /// # Errors
    /// The system's.
    pub fn begin() -> Result<Self, Failure> {
        let monitor = LinkMonitor::open();
        monitor
            .map(Self)
            .map_err(|error| refused("the node's interfaces", &error))
    }

    /// Waits until every one of `links` whose other end is up passes frames. The kernel lets it only
    /// a moment after both ends are up, and drops what is sent before; it sees to the other end, a
    /// port of a bridge, in the same go, and lists no links meanwhile.
    ///
    /// # Errors
    /// Names the link that passed no frames within [`PATIENCE`].
    pub fn wait(mut self, socket: &mut RouteSocket, links: &[LinkIndex]) -> Result<(), Failure> {
        let failed = |error| refused("the node's interfaces", &error);
        let start = Instant::now();
        loop {
            let there = socket.links().map_err(failed)?;
            let mut ours = there.iter().filter(|link| links.contains(&link.index));
            let Some(waiting) = ours.find(|link| link.carrier && !link.operational) else {
                return Ok(());
            };
            let left = PATIENCE.saturating_sub(start.elapsed());
            if !self.0.wait(left).map_err(failed)? {
                let (name, seconds) = (&waiting.name, PATIENCE.as_secs());
                return Err(Failure {
                    kind: FailureKind::Deadline,
                    message: format!("interface {name}: waited {seconds} s until it passes frames"),
                });
            }
        }
    }
}

/// A kernel at work takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);
