//! Files from one node to many by UDP broadcast, each copy compared byte for byte.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use futures_util::future::{join_all, try_join_all};
use ipnet::{IpNet, Ipv4Net};
use protocol::control::Exit;
use protocol::name::{InterfaceName, NodeName};
use protocol::role::{RoleEvent, Summary};

use crate::control::process::Hands;
use crate::lab::raised::put_file;
use crate::plan::Plan;
use crate::report::event::RunEvent;
use crate::report::model::{FileOutcome, FileReport, Finding, Outcome};
use crate::topology::model::{Broadcast, BroadcastAddress, Scenario};

use super::context::{CellPlace, RunContext, ScenarioError, base_name};
use super::received::{Due, verify_folders};
use super::role::{Role, RoleStep};

/// What a cell of a broadcast scenario yields.
#[derive(Debug, Default)]
pub struct BroadcastResult {
    /// What was measured.
    pub metrics: BTreeMap<String, f64>,
    /// Each file at each receiver.
    pub files: Vec<FileReport>,
    /// What went wrong.
    pub findings: Vec<Finding>,
}

/// The segment that a broadcast crosses, as seen from its ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crossing {
    /// The sender's interface.
    pub from: InterfaceName,
    /// Each receiver's interface and IPv4 address.
    pub to: Vec<(NodeName, InterfaceName, Ipv4Addr)>,
    /// The sender's address, with its subnet.
    pub net: Ipv4Net,
    /// Where the datagrams are sent to.
    pub address: Ipv4Addr,
}

/// Puts the files into the sender, as the labs have them before they begin.
///
/// # Errors
/// If a file is gone, or there is no room.
pub async fn prepare(cx: &RunContext<'_>, work: &Broadcast) -> Result<(), ScenarioError> {
    let sender = cx.node(&work.from)?;
    let puts = work
        .files
        .iter()
        .map(|file| async { put_file(sender, file, &format!("/root/{}", base_name(file))).await });
    try_join_all(puts).await?;
    Ok(())
}

/// Carries out one cell.
///
/// # Errors
/// If a node cannot do its part; files that are wrong are findings.
pub async fn run(
    cx: &RunContext<'_>,
    place: CellPlace<'_>,
    work: &Broadcast,
    running: &mut Vec<Hands>,
) -> Result<BroadcastResult, ScenarioError> {
    let crossing = crossing(cx.lab.plan(), work)?;
    let folder = place.folder("received");
    let receivers = start_receivers(cx, place.scenario, work, &crossing, &folder).await?;
    running.extend(receivers.iter().map(|(_, role)| role.hands()));
    let mut sender =
        Role::start(cx.node(&work.from)?, send_arguments(place, work, &crossing)).await?;
    running.push(sender.hands());
    let mut result = BroadcastResult::default();
    watch_sender(cx, work, &mut sender, &mut result).await?;
    for ended in join_all(
        receivers
            .into_iter()
            .map(|(node, role)| watch_receiver(node, role)),
    )
    .await
    {
        result.findings.extend(ended?);
    }
    let name = |file: &PathBuf| Some((base_name(file).parse().ok()?, file.clone()));
    let expected = work.files.iter().filter_map(name).collect();
    let due = work.to.iter().map(|node| Due {
        node: node.clone(),
        folder: folder.clone(),
    });
    result.files = verify_folders(cx, place, due.collect(), &expected).await?;
    running.clear();
    Ok(result)
}

/// Finds the segment that holds the sender and all receivers.
///
/// # Errors
/// [`ScenarioError::NoCommonNetwork`].
pub fn crossing(plan: &Plan, work: &Broadcast) -> Result<Crossing, ScenarioError> {
    let address = |node: &NodeName, interface: &InterfaceName| {
        let node = plan.nodes.iter().find(|planned| planned.name == *node)?;
        let found = node
            .settings
            .interfaces
            .iter()
            .find(|i| i.name == *interface)?;
        found.addresses.iter().find_map(|net| match net {
            IpNet::V4(net) => Some(*net),
            IpNet::V6(_) => None,
        })
    };
    let across = |segment: &crate::plan::Segment| {
        let on = |node: &NodeName| segment.ports.iter().find(|port| port.node == *node);
        let from = on(&work.from)?.interface.clone();
        let to = work.to.iter().map(|node| {
            let interface = on(node)?.interface.clone();
            let net = address(node, &interface)?;
            Some((node.clone(), interface, net.addr()))
        });
        let net = address(&work.from, &from)?;
        let address = match work.address {
            BroadcastAddress::Limited => Ipv4Addr::BROADCAST,
            BroadcastAddress::Subnet => net.broadcast(),
        };
        Some(Crossing {
            from,
            to: to.collect::<Option<_>>()?,
            net,
            address,
        })
    };
    let lost = || ScenarioError::NoCommonNetwork {
        from: work.from.clone(),
    };
    plan.segments.iter().find_map(across).ok_or_else(lost)
}

async fn start_receivers(
    cx: &RunContext<'_>,
    scenario: &Scenario,
    work: &Broadcast,
    crossing: &Crossing,
    folder: &str,
) -> Result<Vec<(NodeName, Role)>, ScenarioError> {
    let started = crossing.to.iter().map(|(node, interface, _)| async move {
        let arguments = [
            "broadcast-receive".to_owned(),
            "--port".to_owned(),
            work.port.to_string(),
            "--interface".to_owned(),
            interface.to_string(),
            "--directory".to_owned(),
            folder.to_owned(),
            "--deadline".to_owned(),
            seconds(scenario),
        ];
        let mut role = Role::start(cx.node(node)?, arguments.to_vec()).await?;
        match role.next().await? {
            RoleStep::Event(RoleEvent::Ready) => Ok((node.clone(), role)),
            other => Err(ScenarioError::NotReady {
                node: node.clone(),
                instead: format!("{other:?}"),
            }),
        }
    });
    try_join_all(started).await
}

fn send_arguments(place: CellPlace<'_>, work: &Broadcast, crossing: &Crossing) -> Vec<String> {
    let mut arguments = vec![
        "broadcast-send".to_owned(),
        "--to".to_owned(),
        crossing.address.to_string(),
        "--port".to_owned(),
        work.port.to_string(),
        "--interface".to_owned(),
        crossing.from.to_string(),
        "--deadline".to_owned(),
        seconds(place.scenario),
    ];
    let receivers: Vec<_> = crossing
        .to
        .iter()
        .map(|(_, _, at)| at.to_string())
        .collect();
    arguments.extend(["--receivers".to_owned(), receivers.join(",")]);
    for file in &work.files {
        arguments.extend(["--file".to_owned(), format!("/root/{}", base_name(file))]);
    }
    arguments
}

async fn watch_sender(
    cx: &RunContext<'_>,
    work: &Broadcast,
    sender: &mut Role,
    result: &mut BroadcastResult,
) -> Result<(), ScenarioError> {
    let failed = |text: String| Finding {
        outcome: Outcome::Failed,
        node: Some(work.from.to_string()),
        text,
    };
    loop {
        match sender.next().await? {
            RoleStep::Event(RoleEvent::Progress { bytes, total }) => {
                cx.tell(&RunEvent::Progress {
                    node: work.from.to_string(),
                    bytes,
                    total,
                });
            }
            RoleStep::Event(RoleEvent::Finished(summary)) => result.metrics = metrics(&summary),
            RoleStep::Event(RoleEvent::Lost { receiver, reason }) => {
                result.findings.push(failed(format!(
                    "the sender gave up on {receiver}: {reason}"
                )));
            }
            RoleStep::Event(RoleEvent::Failed { reason }) => result.findings.push(failed(reason)),
            RoleStep::Event(_) => {}
            RoleStep::Ended(Exit::Code(0), _) => return Ok(()),
            RoleStep::Ended(exit, complaints) => {
                let text = format!("the sender ended with {}{complaints}", ending(exit));
                result.findings.push(failed(text));
                return Ok(());
            }
        }
    }
}

async fn watch_receiver(node: NodeName, mut role: Role) -> Result<Option<Finding>, ScenarioError> {
    let finding = |text| {
        Some(Finding {
            outcome: Outcome::Failed,
            node: Some(node.to_string()),
            text,
        })
    };
    let mut found = None;
    loop {
        match role.next().await? {
            RoleStep::Event(RoleEvent::Failed { reason }) => found = finding(reason),
            RoleStep::Event(_) => {}
            RoleStep::Ended(Exit::Code(0), _) => return Ok(found),
            RoleStep::Ended(exit, complaints) => {
                let text = format!("the receiver ended with {}{complaints}", ending(exit));
                return Ok(found.or_else(|| finding(text)));
            }
        }
    }
}

fn metrics(summary: &Summary) -> BTreeMap<String, f64> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts far below 2^52, shown to three digits"
    )]
    let number = |count: u64| count as f64;
    let mut metrics = BTreeMap::from([
        ("transfer_s".to_owned(), summary.seconds),
        ("bytes".to_owned(), number(summary.bytes)),
        ("datagrams".to_owned(), number(summary.datagrams)),
        ("repeated".to_owned(), number(summary.repeated)),
    ]);
    if summary.seconds > 0.0 {
        let goodput = number(summary.bytes) / summary.seconds;
        metrics.insert("goodput_bytes_per_s".to_owned(), goodput);
    }
    metrics
}

/// Whether every file is there, equal, and nothing else is.
pub fn all_equal(files: &[FileReport]) -> bool {
    files.iter().all(|file| file.outcome == FileOutcome::Equal)
}

fn ending(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exit code {code}: "),
        Exit::Signal(signal) => format!("signal {signal}: "),
    }
}

/// The cell's time limit, for the roles to end by themselves.
fn seconds(scenario: &Scenario) -> String {
    format!("{}s", scenario.timeout.as_secs().max(1))
}
