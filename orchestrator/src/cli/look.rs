//! `ps` and `logs`: list the labs that are up, and print the logs of their nodes.

use std::fmt::Write as _;
use std::time::Duration;

use futures_util::future::join_all;
use protocol::control::{CommandState, Status as NodeStatus};
use protocol::limits::Limits;
use protocol::name::NodeName;
use serde::Serialize;

use crate::backend::{BackendError, BackendKind, Fabric};
use crate::control::Control;
use crate::lab::{LabRecord, Standing, StateDir};
use crate::number::counted;
use crate::plan::PlannedNode;
use crate::report::plain_text::visible;

use super::args::{Format, LogsArgs, PsArgs};
use super::failure::{Failure, Status};
use super::find;
use super::printer::Printer;
use super::site::Site;

/// Lists the labs that are up, and their nodes.
///
/// # Errors
/// If a record cannot be read. A node that does not answer is listed as such.
pub async fn ps(args: PsArgs, printer: Printer, site: &Site) -> Result<Status, Failure> {
    let records = match args.lab {
        Some(called) => vec![find::lab(&site.state, &called)?.1],
        None => up(&site.state, printer)?,
    };
    let labs = join_all(records.iter().map(|record| lab_row(site, record))).await;
    match printer.format {
        Format::Json => printer.json(&labs)?,
        Format::Table if labs.is_empty() => printer.note("no lab is up"),
        Format::Table => labs.iter().for_each(|lab| printer.result(lab.text())),
    }
    Ok(Status::Passed)
}

/// Returns the records of all labs that are up. Warns of labs that are being removed or cannot be read.
fn up(state: &StateDir, printer: Printer) -> Result<Vec<LabRecord>, Failure> {
    let mut up = Vec::new();
    for (folder, standing) in state.labs()? {
        let lab = folder.name();
        match standing {
            Standing::Up(record) => up.push(*record),
            Standing::Unfinished => {}
            Standing::Ending => printer.note(format_args!(
                "the removal of {lab} was begun; `orchestrator down {lab}` finishes it"
            )),
            Standing::Unreadable(error) => printer.warn(format_args!(
                "{error}; `orchestrator down {lab}` takes away what there is of it"
            )),
        }
    }
    Ok(up)
}

/// Prints the log of a node's own command.
///
/// # Errors
/// If there is no such node.
pub async fn logs(args: LogsArgs, printer: Printer, site: &Site) -> Result<Status, Failure> {
    let (_, control) = find::connect(site, &args.node.node).await?;
    let mut log = control.logs(args.follow).await?;
    while let Some(bytes) = log.next().await? {
        if !printer.bytes(&bytes) {
            break;
        }
    }
    Ok(Status::Passed)
}

/// A lab that is up.
#[derive(Debug, Serialize)]
struct LabRow {
    lab: String,
    id: String,
    backend: String,
    file: String,
    raised: String,
    nodes: Vec<NodeRow>,
}

/// A node of it.
#[derive(Debug, Serialize)]
struct NodeRow {
    node: String,
    addresses: Vec<String>,
    state: String,
    limits: Limits,
}

async fn lab_row(site: &Site, record: &LabRecord) -> LabRow {
    let backend = site.backend(record.handle.backend);
    let fabric = backend.attach(&record.handle).await;
    let rows = record.plan.nodes.iter().map(|node| async {
        let asked = tokio::time::timeout(ANSWER, ask(&fabric, &node.name)).await;
        let late = || format!("waited {} s for it; it may be stopped", ANSWER.as_secs());
        let status = asked.unwrap_or_else(|_| Err(late()));
        let addresses = node
            .settings
            .interfaces
            .iter()
            .flat_map(|interface| &interface.addresses);
        NodeRow {
            node: node.name.to_string(),
            addresses: addresses.map(|net| net.addr().to_string()).collect(),
            state: status.map_or_else(
                |why| format!("no answer: {why}"),
                |status| describe(&status),
            ),
            limits: limits(record.handle.backend, node),
        }
    });
    LabRow {
        lab: record.handle.lab.name.to_string(),
        id: record.handle.lab.to_string(),
        backend: record.handle.backend.to_string(),
        file: record.file.display().to_string(),
        raised: record.raised.clone(),
        nodes: join_all(rows).await,
    }
}

/// Asks a node for its state.
async fn ask(
    fabric: &Result<Box<dyn Fabric>, BackendError>,
    node: &NodeName,
) -> Result<NodeStatus, String> {
    let fabric = fabric.as_ref().map_err(ToString::to_string)?;
    let stream = fabric.open(node).await.map_err(|error| error.to_string())?;
    let control = Control::greet(stream, node.clone()).await;
    let status = control.map_err(|error| error.to_string())?.status().await;
    status.map_err(|error| error.to_string())
}

/// Returns the limits that a backend holds a node to.
fn limits(backend: BackendKind, node: &PlannedNode) -> Limits {
    let limits = node.limits.or_usual();
    match backend {
        BackendKind::Netns => limits,
        // Its files are on the engine's disk, and its open files as the engine likes.
        BackendKind::Docker => Limits {
            disk: None,
            open_files: node.limits.open_files,
            ..limits
        },
        BackendKind::Gns3 | BackendKind::Fake => Limits::default(),
    }
}

fn describe(status: &NodeStatus) -> String {
    let command = match &status.command {
        None => "waiting for orders".to_owned(),
        Some(CommandState::Running { pid }) => format!("its command runs as process {pid}"),
        Some(CommandState::Ended(exit)) => {
            format!(
                "its command ended: {}",
                crate::scenario::steps::expect::ending(*exit)
            )
        }
    };
    let plural = if status.processes == 1 { "" } else { "es" };
    format!("{command}, {} process{plural}", status.processes)
}

impl LabRow {
    fn text(&self) -> String {
        let mut text = format!(
            "{} · {} · {} · raised {} from {}\n",
            self.lab,
            self.backend,
            counted(self.nodes.len() as u64, "node"),
            self.raised,
            visible(&self.file)
        );
        let width = self
            .nodes
            .iter()
            .map(|node| node.node.len())
            .max()
            .unwrap_or(0);
        let wide = |node: &NodeRow| node.addresses.join(" ").len();
        let addresses = self.nodes.iter().map(wide).max().unwrap_or(0);
        let shared = self.nodes.first().map(|node| node.limits);
        let row = |node: &NodeRow| {
            let listed = node.addresses.join(" ");
            let own = match node.limits {
                own if Some(own) == shared => String::new(),
                own => format!("; at most {own}"),
            };
            format!(
                "  {:width$}  {listed:addresses$}  {}{own}\n",
                node.node,
                visible(&node.state)
            )
        };
        text.extend(self.nodes.iter().map(row));
        if let Some(limits) = shared.filter(|limits| *limits != Limits::default()) {
            let _ = writeln!(text, "  each node at most {limits}");
        }
        text
    }
}

/// The longest time in which a node that is up says what it does.
const ANSWER: Duration = Duration::from_secs(10);
