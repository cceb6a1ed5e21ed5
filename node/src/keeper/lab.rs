//! The lab: makes all of it.

use std::fs::File;
use std::io::PipeWriter;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, fchdir};
use plumbing::fork::{Fork, SingleThread};
use plumbing::sysctl::{self, SysctlError};
use plumbing::title::TitleArea;
use protocol::keeper::{KeeperFailure, LabSpec, NodeSpec};
use protocol::link::{LinkTable, Port};
use protocol::name::NodeName;

use crate::network::hosts;

use super::child::{self, Child};
use super::clients::Clients;
use super::connection::Connection;
use super::failure::{DuringStep, OnNode, Steps};
use super::hold::HeldLab;
use super::limits::LabLimits;
use super::links::Links;
use super::report::{Progress, Reporter, Reports};
use super::service::Service;
use super::world::{Privilege, World};

/// The part that a process plays once all nodes were forked.
#[derive(Debug)]
pub(super) enum Part {
    /// The keeper; its nodes are being made.
    Keeper(Box<Lab>),
    /// A node that is to be made.
    Node(Box<Child>),
}

/// A lab that is being made.
#[derive(Debug)]
pub(super) struct Lab {
    nodes: Vec<Node>,
    links: Links,
    reports: Reports,
    children: SignalFd,
    steps: Steps,
    warnings: Vec<String>,
}

#[derive(Debug)]
struct Node {
    name: &'static NodeName,
    process: Pid,
    ready: bool,
}

/// The keeper's resources before the first node.
#[derive(Debug)]
struct Start {
    thread: SingleThread,
    title: TitleArea,
    /// The folder of the agents' sockets.
    folder: File,
    world: &'static World,
    limits: LabLimits,
    pipe: PipeWriter,
    lab: Lab,
}

/// Makes everything up to the nodes' processes. In each of those it returns too.
///
/// All that describes the lab stays in memory, for each node is forked from it: a node that freed its copy would have
/// the kernel copy it first.
pub(super) fn fork_nodes(
    spec: LabSpec,
    privilege: Privilege,
    mut steps: Steps,
    title: TitleArea,
) -> Result<Part, KeeperFailure> {
    steps.begin("preparing the lab")?;
    let spec: &'static LabSpec = Box::leak(Box::new(spec));
    let limits = LabLimits::make(spec, &mut steps)?;
    quieten_bridges().during("preparing the lab's network")?;
    let thread = SingleThread::prove().during("preparing to fork")?;
    let folder = File::open(".").during("opening the sockets' folder")?;
    let world = Box::leak(Box::new(World::build(privilege, spec)?));
    fchdir(&folder).during("returning to the sockets' folder")?;
    let mut child_ended = SigSet::empty();
    child_ended.add(Signal::SIGCHLD);
    child_ended.thread_block().during("blocking signals")?;
    let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
    let (reports, pipe) = Reports::pipe().during("making the nodes' pipe")?;
    let lab = Lab {
        nodes: Vec::with_capacity(spec.nodes.len()),
        links: Links::new(&spec.segments)?,
        reports,
        children: SignalFd::with_flags(&child_ended, flags).during("listening for signals")?,
        steps,
        warnings: limits.warnings.clone(),
    };
    let start = Start {
        thread,
        title,
        folder,
        world,
        limits,
        pipe,
        lab,
    };
    start.fork_each(spec)
}

impl Start {
    fn fork_each(mut self, spec: &'static LabSpec) -> Result<Part, KeeperFailure> {
        let hosts = hosts::text(&spec.hosts).leak();
        for (number, node) in spec.nodes.iter().enumerate() {
            let name = &node.settings.name;
            let child = self.child(number, node, hosts).on_node(name)?;
            let forked = self.thread.fork_into_new_name_space();
            match forked.during("starting its process").on_node(name)? {
                // Dropping the rest closes the keeper's descriptors in the node.
                Fork::Child => return Ok(Part::Node(Box::new(child))),
                Fork::Parent(process) => self.lab.nodes.push(Node {
                    name,
                    process,
                    ready: false,
                }),
            }
        }
        drop(self.folder);
        Ok(Part::Keeper(Box::new(self.lab)))
    }

    fn child(
        &mut self,
        number: usize,
        spec: &'static NodeSpec,
        hosts: &'static str,
    ) -> Result<Child, KeeperFailure> {
        let steps = &mut self.lab.steps;
        steps.begin("making its agent's socket")?;
        let listener = child::listen(number).during("making its agent's socket")?;
        steps.begin("starting its process")?;
        Ok(Child {
            number,
            settings: &spec.settings,
            hosts,
            world: self.world,
            reporter: Reporter::new(&self.pipe, number).during("making its pipe")?,
            listener,
            limits: self.limits.of(number, spec),
            steps: steps.set_aside(Child::STEPS),
            title: self.title,
            enclosure: None,
        })
    }
}

impl Lab {
    /// Plugs the nodes together while they make themselves, and waits until all are ready.
    pub(super) fn finish(mut self, connection: &Connection) -> Result<HeldLab, KeeperFailure> {
        self.links.make_bridges(&mut self.steps)?;
        while self.nodes.iter().any(|node| !node.ready) {
            let [reports, children, orchestrator] = wait([
                self.reports.as_fd(),
                self.children.as_fd(),
                connection.as_fd(),
            ])
            .during("waiting for nodes")?;
            // What a node said comes before its end, which may follow at once.
            if reports {
                self.take_reports()?;
            }
            if children {
                self.take_ended()?;
            }
            if orchestrator {
                return Err(Errno::EPIPE).during("waiting for nodes");
            }
        }
        self.into_held()
    }

    /// Takes up the clients, who may read and change what the lab's links are like.
    fn into_held(mut self) -> Result<HeldLab, KeeperFailure> {
        self.steps.begin("making the keeper's socket")?;
        let clients = Clients::listen().during("making the keeper's socket")?;
        let names: Vec<&NodeName> = self.nodes.iter().map(|node| node.name).collect();
        let ports: Vec<Port> = self.links.ports(&names).collect();
        Ok(HeldLab {
            clients,
            service: Service::new(LinkTable::new(&ports)),
            children: self.children,
            warnings: self.warnings,
        })
    }

    fn take_reports(&mut self) -> Result<(), KeeperFailure> {
        let mut networks = Vec::new();
        for report in self.reports.receive().during("hearing from nodes")? {
            let Some(node) = self.nodes.get_mut(report.node) else {
                continue;
            };
            match report.progress {
                Progress::HasNetwork => networks.push((report.node, node.process)),
                Progress::Ready => node.ready = true,
                Progress::Failed(failure) => return Err(failure),
            }
        }
        let plugged_in = self.links.plug_in(&networks, &mut self.steps);
        plugged_in.map_err(|failure| self.first_cause(failure))
    }

    /// A node that has failed cannot be plugged in either; what it said itself tells more.
    fn first_cause(&mut self, failure: KeeperFailure) -> KeeperFailure {
        let more = poll_until([self.reports.as_fd()], PollTimeout::ZERO);
        let reports = match more {
            Ok([true]) => self.reports.receive().unwrap_or_default(),
            _ => Vec::new(),
        };
        let said = reports
            .into_iter()
            .find_map(|report| match report.progress {
                Progress::Failed(first) => Some(first),
                _ => None,
            });
        said.unwrap_or(failure)
    }

    /// A node that ends before it is ready has said why, or was killed.
    fn take_ended(&mut self) -> Result<(), KeeperFailure> {
        for (process, how) in reap(&self.children).during("waiting for nodes")? {
            let ended = self.nodes.iter().find(|node| node.process == process);
            if let Some(node) = ended {
                return Err(KeeperFailure {
                    node: Some(node.name.clone()),
                    step: "starting".to_owned(),
                    reason: how,
                    errno: None,
                });
            }
        }
        Ok(())
    }
}

/// Bridges have no business of their own on the lab's networks, and speak of themselves there as soon
/// as they have an IPv6 address. Nodes' namespaces are not concerned.
fn quieten_bridges() -> Result<(), SysctlError> {
    const SETTING: &str = "net/ipv6/conf/default/disable_ipv6";
    if Path::new("/proc/sys").join(SETTING).exists() {
        sysctl::set(SETTING, "1")?;
    }
    Ok(())
}

/// Takes note of all children that have ended: who, and how in words.
pub(super) fn reap(children: &SignalFd) -> nix::Result<Vec<(Pid, String)>> {
    while children.read_signal()?.is_some() {}
    let mut ended = Vec::new();
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(process, code)) => {
                ended.push((process, format!("its process ended with code {code}")));
            }
            Ok(WaitStatus::Signaled(process, signal, _)) => {
                ended.push((process, format!("its process was ended by {signal}")));
            }
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return Ok(ended),
            Ok(_) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Waits until one of the descriptors can be read or was closed; says which.
fn wait<const N: usize>(descriptors: [BorrowedFd<'_>; N]) -> nix::Result<[bool; N]> {
    poll_until(descriptors, PollTimeout::NONE)
}

fn poll_until<const N: usize>(
    descriptors: [BorrowedFd<'_>; N],
    timeout: PollTimeout,
) -> nix::Result<[bool; N]> {
    let mut polled = descriptors.map(|descriptor| PollFd::new(descriptor, PollFlags::POLLIN));
    loop {
        match poll(&mut polled, timeout) {
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error),
            Ok(_) => return Ok(polled.map(|polled| polled.any().unwrap_or(true))),
        }
    }
}
