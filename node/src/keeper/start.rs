//! From the command line to the keeper's namespaces.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use nix::errno::Errno;
use nix::sched::CloneFlags;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, chdir, setsid};
use plumbing::fork::{Fork, SingleThread};
use plumbing::process::ProcessHandle;
use plumbing::title::TitleArea;
use plumbing::{capability, descriptor, namespace};
use protocol::keeper::{FromKeeper, KeeperFailure, LabSpec, ToKeeper};

use super::connection::Connection;
use super::failure::{DuringStep, Steps};
use super::lab::{self, Part};
use super::world::Privilege;

/// Arguments of `node keep`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The lab's identity, for `ps`. Trailing blanks make room for nodes' names in its place.
    #[arg(long)]
    lab: String,
}

/// Runs `node keep`: reads what to make from standard input, a socket, and answers there. The working
/// directory is where the agents' sockets are made.
pub fn main(arguments: &Arguments) -> ExitCode {
    match keep(arguments) {
        Ok(code) => code,
        Err(error) => crate::cli::fail(&error),
    }
}

fn keep(arguments: &Arguments) -> io::Result<ExitCode> {
    descriptor::close_inherited()?;
    let mut connection = Connection::take_standard_input()?;
    let Some(ToKeeper::Raise(spec)) = connection.receive()? else {
        return Err(Errno::EPROTO.into());
    };
    let steps = Steps::new(spec.fail_at);
    match enter(arguments.lab.trim_end()) {
        Ok(Entered::Inside(privilege, title)) => raise(connection, *spec, privilege, steps, title),
        Ok(Entered::Outside(keeper)) => {
            // This process was given by whoever raises the lab, and shows them when it has ended.
            drop(connection);
            chdir("/")?;
            waitpid(keeper, None)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(failure) => refuse(connection, failure),
    }
}

/// On which side of the lab's process name space a process is.
#[derive(Debug)]
enum Entered {
    /// The process that was there first; the keeper proper is this child of it.
    Outside(Pid),
    /// The keeper, first process in there.
    Inside(Privilege, TitleArea),
}

/// Enters the lab's namespaces. Only a child can be the first process of a process name space, so
/// this returns twice.
fn enter(lab: &str) -> Result<Entered, KeeperFailure> {
    // Away from the terminal, whose Ctrl-C is for the orchestrator.
    setsid().during("starting a session")?;
    descriptor::raise_limit().during("raising the limit of open descriptors")?;
    let title = TitleArea::find().during("finding the process's title")?;
    title
        .show(&format!("keeper {lab}"))
        .during("naming the process")?;
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
        Fork::Parent(keeper) => Ok(Entered::Outside(keeper)),
        Fork::Child => {
            // The process outside is recorded, and so what its end means for this one: the same.
            set_pdeathsig(Signal::SIGKILL).during("tying the keeper to its parent")?;
            if outside
                .wait(Duration::ZERO)
                .during("looking for its parent")?
            {
                return Err(Errno::ESRCH).during("looking for its parent");
            }
            Ok(Entered::Inside(privilege, title))
        }
    }
}

fn raise(
    connection: Connection,
    spec: LabSpec,
    privilege: Privilege,
    steps: Steps,
    title: TitleArea,
) -> io::Result<ExitCode> {
    let lab = match lab::fork_nodes(spec, privilege, steps, title) {
        Ok(Part::Node(child, world)) => {
            drop(connection);
            return Ok(child.run(*world));
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
