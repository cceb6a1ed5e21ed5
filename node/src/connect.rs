//! Carries an agent's Unix socket over standard input and output, so that whoever can start a
//! process in a node can speak to its agent (`docker exec … node connect PATH`).

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use plumbing::peer;
use protocol::control::Condition;

use crate::agent::until;
use crate::cli::fail;

/// Arguments of `node connect`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The agent's Unix socket.
    socket: PathBuf,
    /// The time to wait for an agent that is only starting, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
}

/// Runs `node connect` until either side ends.
pub fn main(arguments: &Arguments) -> ExitCode {
    let path = arguments.socket.display();
    if arguments.wait > 0
        && let Err(why) = await_agent(arguments)
    {
        return fail(&why);
    }
    match bridge(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format_args!("connection to {path}: {error}")),
    }
}

/// Returns once the agent's socket has its name, which it gets when connections are accepted.
fn await_agent(arguments: &Arguments) -> Result<(), String> {
    let socket = Condition::File {
        path: arguments.socket.display().to_string(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("waiting for the agent: {error}"))?;
    let limit = Duration::from_secs(arguments.wait);
    let waited = runtime.block_on(async { tokio::time::timeout(limit, until(&socket)).await });
    waited.map_or_else(
        |_| {
            let path = arguments.socket.display();
            Err(format!("no agent at {path} within {} s", arguments.wait))
        },
        |found| found.map_err(|failure| failure.message),
    )
}

/// Copies both ways on a thread each and returns when the first of them ends; the other ends with
/// the process. Duplicates of the standard streams are used because Rust's own hold bytes back.
fn bridge(arguments: &Arguments) -> io::Result<()> {
    let mut from_agent = UnixStream::connect(&arguments.socket)?;
    if !peer::is_unconfined(&from_agent)? {
        let stranger = "a program of the node listens there, and not its agent";
        return Err(io::Error::new(ErrorKind::PermissionDenied, stranger));
    }
    let mut to_agent = from_agent.try_clone()?;
    let mut input = duplicate(&io::stdin())?;
    let mut output = duplicate(&io::stdout())?;
    let (ended, first) = mpsc::channel();
    let also_ended = ended.clone();
    thread::spawn(move || ended.send(carry(&mut input, &mut to_agent)));
    thread::spawn(move || also_ended.send(carry(&mut from_agent, &mut output)));
    match first.recv() {
        Ok(Err(error)) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// Copies like `std::io::copy`, but never by splice(2). That keeps the pipe locked while it waits for the
/// socket, and a reader of the pipe then waits too, although there are bytes in it.
fn carry(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => to.write_all(buffer.get(..count).unwrap_or_default())?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn duplicate(stream: &impl AsFd) -> io::Result<File> {
    let descriptor: OwnedFd = stream.as_fd().try_clone_to_owned()?;
    Ok(File::from(descriptor))
}

/// Bytes carried at once.
const BUFFER: usize = 64 << 10;
