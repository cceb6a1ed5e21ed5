//! The web servers inside a lab that a sender downloads from: the node's own role, and programs of the
//! user's. Both listen before anything is asked of them.

use std::net::IpAddr;
use std::time::Duration;

use protocol::control::{CommandState, Condition, Exit, Transport};
use protocol::name::NodeName;

use crate::control::error::ControlErrorKind;
use crate::control::{Control, ControlError};
use crate::plan::Plan;
use crate::report::model::{Finding, Outcome};
use crate::scenario::context::{CellPlace, RunContext, ScenarioError};
use crate::scenario::role::{Role, ending};
use crate::topology::model::{Download, Source};

/// Starts an origin, which listens when this returns.
///
/// # Errors
/// [`ScenarioError::NotReady`] says why it does not.
pub async fn serve(
    cx: &RunContext<'_>,
    node: &NodeName,
    directory: &str,
) -> Result<Role, ScenarioError> {
    let arguments = ["origin", "--directory", directory].map(str::to_owned);
    let mut role = cx.role(node, arguments.into()).await?;
    match role.ready().await? {
        Ok(()) => Ok(role),
        Err(instead) => Err(ScenarioError::NotReady {
            role: "web server",
            node: node.clone(),
            instead,
        }),
    }
}

/// Waits until those servers listen that are nodes' own commands. The first that does not is a finding.
///
/// # Errors
/// If a node is gone.
pub async fn await_own(
    cx: &RunContext<'_>,
    place: CellPlace<'_>,
    downloads: &[Download],
) -> Result<Option<Finding>, ScenarioError> {
    // The rest of the cell's time is for the files.
    let within = LONGEST.min(place.scenario.timeout / 2);
    for download in downloads {
        let Source::Url { url, .. } = &download.source else {
            continue;
        };
        let Some((node, port)) = server(cx, url) else {
            continue;
        };
        if let Err(why) = listens(cx.node(node)?, port, within).await? {
            return Ok(Some(Finding {
                outcome: Outcome::Failed,
                node: Some(node.to_string()),
                text: format!("{url} cannot be fetched: {why}"),
            }));
        }
    }
    Ok(None)
}

/// The node whose own command is to serve a URL, and its port. A node without one is not waited for:
/// nobody would come to listen there.
fn server<'a>(cx: &'a RunContext<'_>, url: &str) -> Option<(&'a NodeName, u16)> {
    let (host, port) = host_and_port(url)?;
    let name = named(cx.lab.plan(), host)?;
    let node = cx.topology.nodes.iter().find(|node| node.name == *name)?;
    (!node.command.is_empty()).then_some((&node.name, port))
}

/// The node with that name or address.
fn named<'a>(plan: &'a Plan, host: &str) -> Option<&'a NodeName> {
    let address: Option<IpAddr> = host.parse().ok();
    let is_meant = |node: &&crate::plan::PlannedNode| {
        let interfaces = node.settings.interfaces.iter();
        let mut addresses = interfaces.flat_map(|interface| &interface.addresses);
        node.name.as_str().eq_ignore_ascii_case(host)
            || addresses.any(|net| Some(net.addr()) == address)
    };
    plan.nodes.iter().find(is_meant).map(|node| &node.name)
}

/// The host of a URL, an IPv6 address without its brackets, and its port (RFC 3986 §3.2).
fn host_and_port(url: &str) -> Option<(&str, u16)> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (host, port) = match authority.strip_prefix('[') {
        Some(six) => six.split_once(']')?,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let known = if scheme == "https" { 443 } else { 80 };
    match port.strip_prefix(':') {
        Some("") | None => Some((host, known)),
        Some(port) => Some((host, port.parse().ok()?)),
    }
}

/// Waits until a node's own command listens; an error says why it is not waited for any longer.
async fn listens(
    control: &Control,
    port: u16,
    within: Duration,
) -> Result<Result<(), String>, ControlError> {
    let transport = Transport::Tcp;
    let listening = control.wait_for(Condition::Port { transport, port }, within);
    tokio::select! {
        biased;
        listening = listening => match listening {
            Err(error) => match error.kind {
                ControlErrorKind::Refused(failure) => Ok(Err(failure.message)),
                _ => Err(error),
            },
            Ok(()) => Ok(Ok(())),
        },
        exit = bad_end(control) => {
            let exit = exit?;
            Ok(Err(format!("the node's command failed: {}; its log tells more", ending(exit))))
        }
    }
}

/// Waits for the end of a node's own command. One that ends well may have left its server behind.
async fn bad_end(control: &Control) -> Result<Exit, ControlError> {
    let mut log = control.logs(true).await?;
    while log.next().await?.is_some() {}
    match control.status().await?.command {
        Some(CommandState::Ended(exit)) if exit != Exit::Code(0) => Ok(exit),
        _ => std::future::pending().await,
    }
}

/// The longest time that a server may take to listen.
const LONGEST: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_tells_its_host_and_port() {
        for (url, told) in [
            ("http://web/a", Some(("web", 80))),
            ("https://web?x:1", Some(("web", 443))),
            ("http://web:8080/a:9", Some(("web", 8080))),
            ("https://[fd00::1]/a", Some(("fd00::1", 443))),
            ("http://[fd00::1]:81", Some(("fd00::1", 81))),
            ("http://web:/a", Some(("web", 80))),
            ("http://web:x/a", None),
            ("web", None),
        ] {
            assert_eq!(host_and_port(url), told, "{url}");
        }
    }
}
