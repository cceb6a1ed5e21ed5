//! This program started again as a worker, never a fork of itself: the side of the process that starts it, and the
//! first steps of the worker.
//!
//! A [`PipedWorker`] is told by a line to go, and prints its events as lines. A worker that is handed descriptors
//! has a socket of [`plumbing::handover`] as its standard input.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};

use nix::sys::prctl;
use nix::sys::signal::Signal;
use plumbing::own_program;
use plumbing::title::TitleArea;
use protocol::role::{PROGRAM, RoleEvent};

use crate::lines;

/// A process of this program. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct WorkerProcess {
    /// The process.
    pub(crate) child: Child,
}

/// A worker, with the pipes to it and from it.
#[derive(Debug)]
pub(crate) struct PipedWorker {
    /// Its process.
    pub(crate) process: WorkerProcess,
    input: PipeWriter,
    output: PipeReader,
    printed: Vec<u8>,
}

/// Returns the command that starts this program again, in a role.
pub(crate) fn command(role: &str) -> Command {
    let mut command = Command::new(own_program::PATH);
    command.arg0(PROGRAM).arg(role);
    command
}

/// Describes the end of a process: by an exit code, or by a signal.
pub(crate) fn ending(status: ExitStatus) -> String {
    match status.signal() {
        Some(signal) => format!("signal {signal}"),
        None => format!("exit code {}", status.code().unwrap_or_default()),
    }
}

/// Makes this process, a worker, end with the one that started it, and gives it a title in `ps`.
pub(crate) fn begin(title: &str) -> io::Result<()> {
    // It has no reason to outlive the process that started it, however that ended. If that has ended before this
    // call, the end of standard input tells.
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    TitleArea::find()?.show(title)
}

/// Says that this process, a worker, is ready, and waits until it may go. Returns `false` if standard input ends
/// before.
pub(crate) fn await_go() -> io::Result<bool> {
    lines::print(&RoleEvent::Ready)?;
    Ok(io::stdin().read_line(&mut String::new())? > 0)
}

impl WorkerProcess {
    /// Starts a process.
    pub(crate) fn start(mut command: Command) -> io::Result<Self> {
        let child = command.spawn()?;
        Ok(Self { child })
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        // Usually it has ended by itself. Otherwise nothing better can be done.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl PipedWorker {
    /// Starts a worker, with pipes as its standard input and output.
    pub(crate) fn start(mut command: Command) -> io::Result<Self> {
        let (its_input, input) = io::pipe()?;
        let (output, its_output) = io::pipe()?;
        command.stdin(its_input).stdout(its_output);
        Ok(Self {
            process: WorkerProcess::start(command)?,
            input,
            output,
            printed: Vec::new(),
        })
    }

    /// Lets it go, once it has said that it is ready.
    pub(crate) fn go(&mut self) -> io::Result<()> {
        match self.input.write_all(b"go\n") {
            // It has ended. Its output says more about that.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }

    /// Reads once, and returns the events since; `None` once it has closed its output.
    pub(crate) fn new_events(&mut self) -> io::Result<Option<Vec<RoleEvent>>> {
        if !self.receive()? {
            return Ok(None);
        }
        let events: io::Result<_> = std::iter::from_fn(|| self.line().transpose()).collect();
        events.map(Some)
    }

    /// Waits for its next event; `None` once it has closed its output.
    pub(crate) fn next_event(&mut self) -> io::Result<Option<RoleEvent>> {
        loop {
            let line = self.line()?;
            if line.is_some() || !self.receive()? {
                return Ok(line);
            }
        }
    }

    /// Receives some bytes, or none if a signal came. Returns `false` at the end.
    fn receive(&mut self) -> io::Result<bool> {
        let mut chunk = [0; 4096];
        let count = match self.output.read(&mut chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(true),
            count => count?,
        };
        self.printed.extend_from_slice(&chunk[..count]);
        Ok(count > 0)
    }

    /// Takes the next complete line.
    fn line(&mut self) -> io::Result<Option<RoleEvent>> {
        let Some(end) = self.printed.iter().position(|&byte| byte == b'\n') else {
            return Ok(None);
        };
        let line: Vec<u8> = self.printed.drain(..=end).collect();
        Ok(Some(serde_json::from_slice(&line)?))
    }
}

impl AsFd for PipedWorker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.output.as_fd()
    }
}
