//! Programs running in a node.

use protocol::control::{Command, Event, Exit, Reply, Request, Stream, WindowSize};
use tokio::sync::mpsc;

use super::connection::{Control, Incoming};
use super::error::{ControlError, ControlErrorKind};

/// A program running in a node. Dropping it does not end it; its connection's end does.
#[derive(Debug)]
pub struct Process {
    control: Control,
    channel: u32,
    pid: u32,
    incoming: mpsc::Receiver<Incoming>,
}

/// An event of a running program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProcessEvent {
    /// It printed bytes on standard output or error.
    Printed(Stream, Vec<u8>),
    /// It ended; nothing follows.
    Exited(Exit),
}

/// Everything that a program printed, up to a limit, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collected {
    /// Standard output, its first [`COLLECT_LIMIT`] bytes.
    pub stdout: Vec<u8>,
    /// Standard error, its first [`COLLECT_LIMIT`] bytes.
    pub stderr: Vec<u8>,
    /// Bytes printed beyond the limit and dropped.
    pub dropped: u64,
    /// The way it ended.
    pub exit: Exit,
}

impl Control {
    /// Starts a program.
    ///
    /// # Errors
    /// If there is no such program in the node, or it cannot be started.
    pub async fn start(&self, command: Command) -> Result<Process, ControlError> {
        let (channel, incoming) = self.open_channel();
        match self.request(Request::Start { channel, command }).await {
            Ok(Reply::Started { pid }) => Ok(Process {
                control: self.clone(),
                channel,
                pid,
                incoming,
            }),
            Ok(_) => Err(self.error(ControlErrorKind::Unexpected("start"))),
            Err(error) => {
                self.close_channel(channel);
                Err(error)
            }
        }
    }
}

impl Process {
    /// Its number in the node's process name space.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Returns its next event.
    ///
    /// # Errors
    /// If the connection ended first.
    pub async fn next(&mut self) -> Result<ProcessEvent, ControlError> {
        loop {
            match self.incoming.recv().await {
                Some(Incoming::Data(_, bytes)) if bytes.is_empty() => {}
                Some(Incoming::Data(stream, bytes)) => {
                    return Ok(ProcessEvent::Printed(stream, bytes));
                }
                Some(Incoming::Event(Event::Exited(exit))) => {
                    return Ok(ProcessEvent::Exited(exit));
                }
                Some(Incoming::Event(_)) => {}
                None => return Err(self.control.closed("a program ended")),
            }
        }
    }

    /// Waits for its end and keeps what it prints until then.
    ///
    /// # Errors
    /// If the connection ended first.
    pub async fn collect(mut self) -> Result<Collected, ControlError> {
        let (mut stdout, mut stderr, mut dropped) = (Vec::new(), Vec::new(), 0);
        loop {
            match self.next().await? {
                ProcessEvent::Printed(stream, bytes) => {
                    let kept = if stream == Stream::Error {
                        &mut stderr
                    } else {
                        &mut stdout
                    };
                    dropped += keep(kept, &bytes);
                }
                ProcessEvent::Exited(exit) => {
                    return Ok(Collected {
                        stdout,
                        stderr,
                        dropped,
                        exit,
                    });
                }
            }
        }
    }

    /// Returns a handle to control it while [`Process::next`] waits for its output.
    pub fn handle(&self) -> ProcessHandle {
        ProcessHandle {
            control: self.control.clone(),
            channel: self.channel,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.control.close_channel(self.channel);
    }
}

/// Speaks to a running program: input, signals, terminal size.
#[derive(Debug, Clone)]
pub struct ProcessHandle {
    control: Control,
    channel: u32,
}

impl ProcessHandle {
    /// Writes to its standard input.
    ///
    /// # Errors
    /// If the connection is gone.
    pub async fn write(&self, bytes: Vec<u8>) -> Result<(), ControlError> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.control
            .send_data(self.channel, Stream::Input, bytes)
            .await
    }

    /// Ends its standard input.
    ///
    /// # Errors
    /// If the connection is gone.
    pub async fn close_input(&self) -> Result<(), ControlError> {
        self.control
            .send_data(self.channel, Stream::Input, Vec::new())
            .await
    }

    /// Sends it a signal, by number.
    ///
    /// # Errors
    /// If it has ended already, or the connection is gone.
    pub async fn signal(&self, signal: i32) -> Result<(), ControlError> {
        self.control
            .done(
                Request::Signal {
                    channel: self.channel,
                    signal,
                },
                "signal",
            )
            .await
    }

    /// Tells it that its terminal has another size.
    ///
    /// # Errors
    /// If it has ended already, or the connection is gone.
    pub async fn resize(&self, size: WindowSize) -> Result<(), ControlError> {
        self.control
            .done(
                Request::Resize {
                    channel: self.channel,
                    size,
                },
                "resize",
            )
            .await
    }
}

/// Adds what fits below [`COLLECT_LIMIT`] and returns how many bytes did not.
fn keep(kept: &mut Vec<u8>, bytes: &[u8]) -> u64 {
    let room = COLLECT_LIMIT.saturating_sub(kept.len()).min(bytes.len());
    let (fits, rest) = bytes.split_at(room);
    kept.extend_from_slice(fits);
    rest.len() as u64
}

/// The most that is kept of each stream of a program, in bytes.
pub const COLLECT_LIMIT: usize = 4 << 20;
