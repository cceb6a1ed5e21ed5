//! `fault`: something in a lab that is up fails, or works again.

use protocol::link::Port;
use protocol::name::InterfaceName;

use crate::lab::LabRecord;
use crate::topology::model::{FaultKind, LinkEnd};

use super::args::{FaultArgs, FaultWord};
use super::failure::{Failure, Status};
use super::find;
use super::printer::Printer;
use super::site::Site;

/// Takes a link down or up, or pauses a node or lets it go on.
///
/// # Errors
/// If there is no such part, or the lab's backend cannot.
pub(super) async fn fault(
    args: &FaultArgs,
    printer: Printer,
    site: &Site,
) -> Result<Status, Failure> {
    let (record, fault) = part(args, site)?;
    let begins = match args.fault {
        FaultWord::Down | FaultWord::Pause => true,
        FaultWord::Up | FaultWord::Resume => false,
    };
    let backend = record.handle.backend;
    let fabric = site.backend(backend).attach(&record.handle).await?;
    let is_supported = if begins {
        fabric.begin_fault(&fault).await?
    } else {
        fabric.end_fault(&fault).await?
    };
    if !is_supported {
        return Err(Failure::Lacking(format!(
            "faults of labs on {backend} are carried out by a later version; labs on a GNS3 server can \
             have them now: raise it there, `orchestrator up FILE --backend gns3`"
        )));
    }
    printer.note(match (&fault, begins) {
        (FaultKind::Down(end), true) => format!("{}:{} is down", end.node, end.interface),
        (FaultKind::Down(end), false) => format!("{}:{} is up", end.node, end.interface),
        (_, true) => format!("{} is paused", args.target),
        (_, false) => format!("{} goes on", args.target),
    });
    Ok(Status::Passed)
}

/// Returns the fault that is meant, and the record of its lab.
fn part(args: &FaultArgs, site: &Site) -> Result<(LabRecord, FaultKind), Failure> {
    match args.fault {
        FaultWord::Down | FaultWord::Up => {
            let (record, port) = find::port(&site.state, &args.target)?;
            check(&record, &port)?;
            let (node, interface) = (port.node, port.interface);
            Ok((record, FaultKind::Down(LinkEnd { node, interface })))
        }
        FaultWord::Pause | FaultWord::Resume => {
            if let Some((node, _)) = args.target.split_once(':') {
                let text =
                    format!("all of a node is paused; write it without an interface: {node}");
                return Err(Failure::Input(text));
            }
            let (record, node) = find::node(&site.state, &args.target)?;
            Ok((record, FaultKind::Pause(node)))
        }
    }
}

/// Whether the lab has such an interface.
fn check(record: &LabRecord, port: &Port) -> Result<(), Failure> {
    let mut nodes = record.plan.nodes.iter();
    let node = nodes.find(|node| node.settings.name == port.node);
    let interfaces = node.into_iter().flat_map(|node| &node.settings.interfaces);
    let names: Vec<&InterfaceName> = interfaces.map(|interface| &interface.name).collect();
    if names.contains(&&port.interface) {
        return Ok(());
    }
    let names: Vec<&str> = names.into_iter().map(InterfaceName::as_str).collect();
    Err(Failure::Input(format!(
        "{} has no interface {}; it has: {}",
        port.node,
        port.interface,
        names.join(", ")
    )))
}
