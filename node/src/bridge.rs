//! A switch: a bridge over all the Ethernet interfaces of the node, until it is told to end. For labs on
//! servers that have no switches of their own.

use std::process::ExitCode;

use nix::sys::signal::{SigSet, Signal};
use plumbing::netlink::{Batch, Link, LinkIndex, NetlinkError, RouteSocket};

use crate::cli::fail;

/// Arguments of `node bridge`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The bridge's name.
    #[arg(long, default_value = "br0")]
    name: String,
    /// Its ports are the interfaces whose names begin so.
    #[arg(long, default_value = "eth")]
    ports: String,
}

/// Runs `node bridge`. The bridge stays when the process ends; a container's goes with it.
pub fn main(arguments: &Arguments) -> ExitCode {
    // Blocked first: the first process of a container is not ended by a signal that nobody awaits.
    let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP]);
    if let Err(errno) = signals.thread_block() {
        return fail(&format_args!("blocking signals: {errno}"));
    }
    match make(arguments) {
        Ok(ports) => say(&arguments.name, &ports),
        Err(error) => return fail(&error),
    }
    match signals.wait() {
        Ok(_) => ExitCode::SUCCESS,
        Err(errno) => fail(&format_args!("waiting for a signal: {errno}")),
    }
}

/// Makes the bridge, if it is not there, and returns the names of its ports.
fn make(arguments: &Arguments) -> Result<Vec<String>, NetlinkError> {
    let mut socket = RouteSocket::open()?;
    let links = socket.links()?;
    let mut batch = Batch::new();
    let there = links.iter().find(|link| link.name == arguments.name);
    let bridge = there.map_or_else(|| free(&links), |link| link.index);
    if there.is_none() {
        batch.create_bridge(&arguments.name, bridge);
    }
    let is_port = |link: &&Link| link.name.starts_with(&arguments.ports);
    let mut names = Vec::new();
    for link in links.iter().filter(is_port) {
        batch.set_master(link.index, bridge);
        batch.bring_up(link.index);
        names.push(link.name.clone());
    }
    socket.carry_out(batch)?;
    Ok(names)
}

/// A number that no link has.
fn free(links: &[Link]) -> LinkIndex {
    let highest = links.iter().map(|link| link.index.0).max();
    LinkIndex(highest.unwrap_or_default() + 1)
}

fn say(name: &str, ports: &[String]) {
    use std::io::Write;
    // Where nobody reads, it is a switch all the same.
    let _ = writeln!(std::io::stdout(), "{name} bridges {}", ports.join(", "));
}
