//! Takes a machine out of networks that it bridges for a lab.
//!
//! A bridge that is up takes part in its network: it speaks IPv6 by itself (RFC 4862 §5.3), and takes IPv4
//! packets for any address of its machine, though it has none of its own.

use std::fs;
use std::process::ExitCode;

use plumbing::sysctl::{self, SysctlError};

use crate::cli::fail;

/// The bridges of a lab. They are this machine's: its network namespace is this process's.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The names of the bridges.
    #[arg(required = true)]
    bridges: Vec<String>,
}

/// Secludes every bridge, or says which one cannot be. What is set ends with the bridge.
pub fn main(arguments: &Arguments) -> ExitCode {
    for bridge in &arguments.bridges {
        if let Err(error) = seclude(bridge) {
            return fail(&error);
        }
    }
    ExitCode::SUCCESS
}

fn seclude(bridge: &str) -> Result<(), SysctlError> {
    if fs::exists("/proc/sys/net/ipv6").unwrap_or(false) {
        sysctl::set(&format!("net/ipv6/conf/{bridge}/disable_ipv6"), "1")?;
    }
    // A packet is taken where the way back to its sender leads out again, and no way leads to a bridge without
    // an address.
    sysctl::set(&format!("net/ipv4/conf/{bridge}/rp_filter"), "1")
}
