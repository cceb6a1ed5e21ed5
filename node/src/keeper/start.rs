//! From the command line to the keeper's namespaces, and to the keeper in them.

use std::io;
use std::os::fd::AsRawFd;
use std::process::ExitCode;
use std::time::Duration;

use nix::errno::Errno;
use nix::sched::CloneFlags;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::sys::socket::{MsgFlags, recv};
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, chdir, setsid};
use plumbing::control_group::ControlGroups;
use plumbing::fork::{Fork, SingleThread};
use plumbing::process::ProcessHandle;
use plumbing::title::TitleArea;
use plumbing::{capability, descriptor, namespace};
use protocol::keeper::{FromKeeper, KeeperFailure, LabSpec, ToKeeper};

use super::connection::Connection;
use super::failure::{DuringStep, Steps};
use super::lab::{self, Part};
use super::program;
use super::world::Privilege;

/// Arguments of `node keep`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The lab's identity, for `ps`. Trailing blanks make room for nodes' names in its place.
    #[arg(long)]
    lab: String,
    /// For the keeper itself, which this program starts inside of the lab's namespaces.
    #[arg(long, hide = true)]
    inside: Option<Privilege>,
}

/// Runs `node keep`: reads what to make from standard input, a socket, and answers there. The working
/// directory is where the agents' sockets are made.
pub fn main(arguments: &Arguments) -> ExitCode {
    let ended = match arguments.inside {
        Some(privilege) => keep(arguments.lab.trim_end(), privilege),
        None => enter(&arguments.lab),
    };
    ended.unwrap_or_else(|error| crate::cli::fail(&error))
}

/// Enters the lab's namespaces, starts the keeper in there, and waits for its end. Does nothing before the first
/// message is there to read.
fn enter(lab: &str) -> io::Result<ExitCode> {
    descriptor::close_inherited()?;
    if recv(io::stdin().as_raw_fd(), &mut [0], MsgFlags::MSG_PEEK)? == 0 {
        return Err(Errno::EPROTO.into());
    }
    match start_inside(lab) {
        Ok((keeper, groups)) => {
            // This process was given by whoever raises the lab, and shows them when it has ended.
            drop(Connection::take_standard_input()?);
            chdir("/")?;
            waitpid(keeper, None)?;
            // The kernel takes away all but these.
            groups.remove(lab.trim_end())?;
            Ok(ExitCode::SUCCESS)
        }
        Err(failure) => refuse(Connection::take_standard_input()?, failure),
    }
}

/// Starts the keeper; returns it with the places of control groups. Only a child can be the first process of a process namespace.
fn start_inside(lab: &str) -> Result<(Pid, ControlGroups), KeeperFailure> {
    // Away from the terminal, whose Ctrl-C is for the orchestrator.
    setsid().during("starting a session")?;
    descriptor::raise_limit().during("raising the limit of open descriptors")?;
    show_title(lab)?;
    let groups = ControlGroups::find().and_then(ControlGroups::held);
    let groups = groups.during("looking for control groups")?;
    let thread = SingleThread::prove().during("preparing to fork")?;
    let privilege = if capability::may_administer().during("looking at capabilities")? {
        Privilege::Machine
    } else {
        namespace::enter_user_namespace().during("making a user namespace")?;
        Privilege::UserNamespace
    };
    let outside = ProcessHandle::open(std::process::id()).during("taking hold of this process")?;
    namespace::enter_new(
        CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWPID,
    )
    .during("making the lab's namespaces")?;
    match thread.fork().during("starting the keeper")? {
        Fork::Parent(keeper) => Ok((keeper, groups)),
        Fork::Child => {
            // The process outside is recorded, and so what its end means for this one: the same.
            set_pdeathsig(Signal::SIGKILL).during("tying the keeper to its parent")?;
            if outside
                .wait(Duration::ZERO)
                .during("looking for its parent")?
            {
                return Err(Errno::ESRCH).during("looking for its parent");
            }
            match program::start_again(lab, privilege)? {}
        }
    }
}

/// Makes the lab, and is its keeper.
fn keep(lab: &str, privilege: Privilege) -> io::Result<ExitCode> {
    let mut connection = Connection::take_standard_input()?;
    let Some(ToKeeper::Raise(spec)) = connection.receive()? else {
        return Err(Errno::EPROTO.into());
    };
    match show_title(lab) {
        Ok(title) => raise(connection, *spec, privilege, title),
        Err(failure) => refuse(connection, failure),
    }
}

fn show_title(lab: &str) -> Result<TitleArea, KeeperFailure> {
    let title = TitleArea::find().during("finding the process's title")?;
    let lab = lab.trim_end();
    title
        .show(&format!("keeper {lab}"))
        .during("naming the process")?;
    Ok(title)
}

fn raise(
    connection: Connection,
    spec: LabSpec,
    privilege: Privilege,
    title: TitleArea,
) -> io::Result<ExitCode> {
    let steps = Steps::new(spec.fail_at);
    let lab = match lab::fork_nodes(spec, privilege, steps, title) {
        Ok(Part::Node(child)) => {
            drop(connection);
            return Ok(child.run());
        }
        Ok(Part::Keeper(lab)) => lab,
        Err(failure) => return refuse(connection, failure),
    };
    match lab.finish(&connection) {
        Ok(lab) => lab.hold(connection).map(|()| ExitCode::SUCCESS),
        Err(failure) => refuse(connection, failure),
    }
}

fn refuse(mut connection: Connection, failure: KeeperFailure) -> io::Result<ExitCode> {
    connection.send(&FromKeeper::Failed(failure))?;
    Ok(ExitCode::FAILURE)
}
