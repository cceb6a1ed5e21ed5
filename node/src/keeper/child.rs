//! A process that the keeper forked and that becomes a node, until its agent takes over.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::net::UnixListener;
use std::process::ExitCode;

use nix::sched::CloneFlags;
use nix::sys::signal::SigSet;
use nix::unistd::dup2_stderr;
use plumbing::enclosure::Enclosure;
use plumbing::fork::SingleThread;
use plumbing::title::TitleArea;
use plumbing::{capability, namespace};
use protocol::keeper::{KeeperFailure, MARK};
use protocol::settings::{NodeSettings, Sandbox};

use crate::agent::{self, AgentOptions, Environment, Room};
use crate::network::{self, arrival::Arrival};

use super::failure::{DuringStep, OnNode, Steps};
use super::limits::NodeLimits;
use super::report::{Progress, Reporter};
use super::root;
use super::world::{Privilege, World};

/// All that a node is made of, inherited from the keeper.
#[derive(Debug)]
pub(super) struct Child {
    /// Its number.
    pub(super) number: usize,
    /// The settings of its network.
    pub(super) settings: &'static NodeSettings,
    /// Its hosts file, the same in all nodes.
    pub(super) hosts: &'static str,
    /// The view of this machine that it has.
    pub(super) world: &'static World,
    /// The channel for its progress.
    pub(super) reporter: Reporter,
    /// The socket on which its agent accepts connections.
    pub(super) listener: UnixListener,
    /// Its resource limits.
    pub(super) limits: NodeLimits,
    /// The steps that it takes.
    pub(super) steps: Steps,
    /// The title that `ps` shows.
    pub(super) title: TitleArea,
    /// The user namespace of its programs, once it is made.
    pub(super) enclosure: Option<Enclosure>,
}

impl Child {
    /// The number of steps it takes.
    pub(super) const STEPS: u32 = 4;

    /// Makes the node and is its agent, until its end.
    pub(super) fn run(mut self) -> ExitCode {
        let made = self.make().on_node(&self.settings.name);
        let ready = made.is_ok();
        let progress = made.map_or_else(Progress::Failed, |()| Progress::Ready);
        // If nobody listens any more, the keeper has ended, and the kernel is about to end us.
        if self.reporter.tell(progress).is_err() || !ready {
            return ExitCode::FAILURE;
        }
        drop(self.reporter);
        agent::run(AgentOptions {
            listener: Some(self.listener),
            room: Room {
                environment: Environment::Only(environment()),
                group: Some(self.limits.group),
                limits: self.limits.of_programs,
                enclosure: self.enclosure,
                sandbox: Some(self.settings.sandbox),
                owns_network: true,
            },
            ..AgentOptions::default()
        })
    }

    /// The network belongs to its programs, if they are confined, and all else to the keeper's user namespace.
    fn enter_namespaces(&mut self) -> io::Result<()> {
        let mut kinds =
            CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWUTS | CloneFlags::CLONE_NEWIPC;
        if self.settings.sandbox == Sandbox::Off {
            kinds |= CloneFlags::CLONE_NEWNET;
        } else {
            let users = self.world.privilege.users();
            self.enclosure = Some(Enclosure::make(&SingleThread::prove()?, users)?);
        }
        namespace::enter_new(kinds)
    }

    fn make(&mut self) -> Result<(), KeeperFailure> {
        self.steps.begin("making namespaces")?;
        SigSet::empty()
            .thread_set_mask()
            .during("unblocking signals")?;
        self.title
            .show(&format!("node {}", self.settings.name))
            .during("naming the process")?;
        self.enter_namespaces().during("making namespaces")?;
        let arrival = Arrival::begin().during("listening for interfaces")?;
        self.reporter
            .tell(Progress::HasNetwork)
            .during("telling the keeper")?;
        self.steps.begin("making the node's root")?;
        nix::unistd::sethostname(self.settings.name.as_str()).during("setting the host name")?;
        root::build(self.world, self.number, self.limits.disk)?;
        self.steps.begin("giving up rights")?;
        if self.world.privilege == Privilege::Machine {
            capability::give_up_the_machine().during("giving up rights over the machine")?;
        }
        self.limits
            .take_upon_itself()
            .during("limiting what it may use")?;
        // The keeper's log is this machine's file, which a node has no business with.
        let nowhere = File::options().write(true).open("/dev/null");
        let nowhere = nowhere.during("opening /dev/null")?;
        dup2_stderr(nowhere).during("leaving the keeper's log")?;
        // Meanwhile the keeper has plugged it in, and plugs in others while it sets itself up.
        let doing = "configuring its network";
        self.steps.begin(doing)?;
        arrival.wait(&self.settings.interfaces).during(doing)?;
        network::hosts::write(self.hosts).during(doing)?;
        network::configure_interfaces(self.settings).during(doing)
    }
}

/// The keeper's own environment, without the mark that tells keepers and nodes from programs.
fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name != MARK)
        .collect()
}

/// Makes the socket of a node's agent in the working directory, where its path is short enough for
/// any (unix(7): 107 bytes).
pub(super) fn listen(number: usize) -> io::Result<UnixListener> {
    UnixListener::bind(number.to_string())
}
