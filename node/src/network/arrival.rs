//! Waits until interfaces are there that another process makes.

use std::time::{Duration, Instant};

use plumbing::netlink::{LinkMonitor, RouteSocket};
use protocol::control::{Failure, FailureKind};
use protocol::settings::InterfaceSettings;

use super::configure::refused;

/// Hears of links from before the first is made.
#[derive(Debug)]
pub struct Arrival(LinkMonitor);

impl Arrival {
    /// Listens from now on, in the network namespace of this process.
    ///
    /// # Errors
    /// The system's.
    pub fn begin() -> Result<Self, Failure> {
        let monitor = LinkMonitor::open();
        monitor.map(Self).map_err(|error| failed(&error))
    }

    /// Waits until each of `interfaces` has a link of its name.
    ///
    /// # Errors
    /// Names the first that was not there within [`PATIENCE`].
    pub fn wait(mut self, interfaces: &[InterfaceSettings]) -> Result<(), Failure> {
        let mut socket = RouteSocket::open().map_err(|error| failed(&error))?;
        let start = Instant::now();
        loop {
            let there = socket.links().map_err(|error| failed(&error))?;
            let is_there = |interface: &&InterfaceSettings| {
                there
                    .iter()
                    .any(|link| link.name == interface.name.as_str())
            };
            let Some(missing) = interfaces.iter().find(|interface| !is_there(interface)) else {
                return Ok(());
            };
            let left = PATIENCE.saturating_sub(start.elapsed());
            if !self.0.wait(left).map_err(|error| failed(&error))? {
                let (name, seconds) = (&missing.name, PATIENCE.as_secs());
                return Err(Failure {
                    kind: FailureKind::Deadline,
                    message: format!("interface {name}: waited {seconds} s for its link"),
                });
            }
        }
    }
}

fn failed(error: &plumbing::netlink::NetlinkError) -> Failure {
    refused("the node's interfaces", error)
}

/// A thousand nodes are plugged in one after the other, on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_mins(1);
