//! Finds out that the engine's machine lets packets pass between nodes. If its kernel hands bridged packets to its
//! firewall, a rule there may drop them all, and no scenario would find out why.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::IpNet;
use protocol::control::{Command, Lifetime, Program};
use protocol::name::NodeName;

use crate::backend::BackendError;
use crate::control::{Control, ControlError};
use crate::plan::{Plan, Segment};

use super::error::{at, lacking};

/// Has a node ask another for a connection, which nobody takes: the refusal has come both ways.
///
/// # Errors
/// Names what lacks, where no answer came, or the node that cannot do its part.
pub(super) async fn check(
    plan: &Plan,
    controls: &BTreeMap<NodeName, Control>,
) -> Result<(), BackendError> {
    let Some(asking) = plan.segments.iter().find_map(|segment| pair(plan, segment)) else {
        return Ok(());
    };
    let Some(control) = controls.get(asking.from) else {
        return Ok(());
    };
    let answered = is_answered(control, asking.address).await;
    let answered = answered.map_err(|error| at(CHECKING)(std::io::Error::other(error).into()))?;
    if answered {
        return Ok(());
    }
    let (from, to) = (asking.from, asking.to);
    Err(lacking(
        format!(
            "the firewall of the engine's machine drops packets between nodes: {from} had no answer from {to} \
             within {PATIENCE} s; where net.bridge.bridge-nf-call-iptables = 1, it filters bridged packets"
        ),
        "let the chains DOCKER-USER and FORWARD accept what stays on one bridge (`sudo iptables -vL DOCKER-USER` shows \
         what drops), or `sudo sysctl net.bridge.bridge-nf-call-iptables=0`",
        CHECKING,
    ))
}

/// Two nodes that reach each other over one network.
#[derive(Debug, PartialEq, Eq)]
struct Pair<'a> {
    from: &'a NodeName,
    to: &'a NodeName,
    address: Ipv4Addr,
}

fn pair<'a>(plan: &'a Plan, segment: &'a Segment) -> Option<Pair<'a>> {
    let addressed = segment.ports.iter().filter_map(|port| {
        let mut nodes = plan.nodes.iter().map(|node| &node.settings);
        let node = nodes.find(|node| node.name == port.node)?;
        let mut interfaces = node.interfaces.iter();
        let interface = interfaces.find(|one| one.name == port.interface)?;
        let v4 = interface
            .addresses
            .iter()
            .find_map(|address| match address {
                IpNet::V4(v4) => Some(*v4),
                IpNet::V6(_) => None,
            });
        Some((&port.node, v4?))
    });
    let addressed: Vec<_> = addressed.collect();
    let ((from, own), rest) = addressed.split_first()?;
    let reached =
        |(to, address): &&(&NodeName, ipnet::Ipv4Net)| to != from && own.contains(&address.addr());
    let (to, address) = rest.iter().find(reached)?;
    Some(Pair {
        from,
        to,
        address: address.addr(),
    })
}

/// Returns whether any segment of TCP came back, of which nothing else in the node has any so early.
async fn is_answered(control: &Control, address: Ipv4Addr) -> Result<bool, ControlError> {
    let before = segments(control).await?;
    let words = [
        "download",
        "--directory",
        "/.orchestrator",
        "--seconds",
        PATIENCE,
        "--file",
    ];
    let mut words: Vec<String> = words.map(str::to_owned).into();
    words.push(format!("nothing=http://{address}:{NOBODYS_PORT}/"));
    let asking = control.start(Command {
        program: Program::Role(words),
        env: BTreeMap::new(),
        directory: None,
        terminal: None,
        lifetime: Lifetime::Connection,
    });
    asking.await?.collect().await?;
    Ok(segments(control).await? != before)
}

async fn segments(control: &Control) -> Result<Option<u64>, ControlError> {
    let counters = control.get("/proc/net/snmp").await?.all(COUNTERS).await?;
    Ok(counted(&String::from_utf8_lossy(&counters)))
}

/// The TCP segments that came in, of the kernel's counters (RFC 4022): a line of names, then one of numbers.
fn counted(counters: &str) -> Option<u64> {
    let mut lines = counters.lines().filter(|line| line.starts_with("Tcp:"));
    let mut columns = lines.next()?.split_whitespace();
    let column = columns.position(|name| name == "InSegs")?;
    let number = lines.next()?.split_whitespace().nth(column)?;
    number.parse().ok()
}

const CHECKING: &str = "checking that packets pass between nodes";

/// In seconds; a kernel asks again after one and after three.
const PATIENCE: &str = "5";

/// The port of the service `discard` (RFC 863), long gone.
const NOBODYS_PORT: u16 = 9;

/// More than the kernel's counters take, in bytes.
const COUNTERS: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_counted_in_the_column_of_their_name() {
        let counters =
            "Ip: Forwarding InSegs\nIp: 1 7\nTcp: RtoMin InSegs OutSegs\nTcp: 200 31 12\n";
        assert_eq!(counted(counters), Some(31));
        assert_eq!(counted("Udp: InDatagrams\nUdp: 3\n"), None);
    }
}
