//! `node broadcast-receive`: drives a [`Receiver`] with one thread, one socket and a directory.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use protocol::role::RoleEvent;

use super::lines::{self, Progress};
use super::options::ReceiveArguments;
use super::random::random;
use super::receiver::{Action, Receiver, Settings};
use super::send::is_loss;
use super::socket::BroadcastSocket;
use super::store::Store;

/// Runs `node broadcast-receive`: receives one session's files and prints what happens. The code is
/// 0 once all are there and the sender has ended the session, otherwise 1.
pub fn receive(arguments: ReceiveArguments) -> ExitCode {
    let result = ReceiveRun::new(arguments).and_then(|mut run| run.run());
    let reason = match result {
        Ok(true) => return ExitCode::SUCCESS,
        Ok(false) => return ExitCode::FAILURE,
        Err(error) => error.to_string(),
    };
    // Where nobody reads, the exit code still tells.
    let _ = lines::print(&RoleEvent::Failed { reason });
    ExitCode::FAILURE
}

/// Why nothing could be received.
#[derive(Debug, thiserror::Error)]
enum ReceiveError {
    #[error("cannot receive into {}: {source}", directory.display())]
    Directory {
        directory: PathBuf,
        source: io::Error,
    },
    #[error("cannot listen for broadcasts on UDP port {port}: {source}")]
    Socket { port: u16, source: io::Error },
    #[error("cannot print: {0}")]
    Print(io::Error),
}

struct ReceiveRun {
    arguments: ReceiveArguments,
    socket: BroadcastSocket,
    store: Store,
    receiver: Receiver,
}

impl ReceiveRun {
    fn new(arguments: ReceiveArguments) -> Result<Self, ReceiveError> {
        let failed = |source| ReceiveError::Socket {
            port: arguments.port,
            source,
        };
        let socket =
            BroadcastSocket::bind(arguments.port, arguments.interface.as_ref()).map_err(failed)?;
        let settings = Settings {
            receiver: random(),
            buffer: socket.buffer().map_err(failed)?,
            patience: arguments.patience,
            deadline: arguments.deadline,
        };
        let store = Store::new(&arguments.directory).map_err(|source| ReceiveError::Directory {
            directory: arguments.directory.clone(),
            source,
        })?;
        Ok(Self {
            receiver: Receiver::new(settings, Instant::now()),
            arguments,
            socket,
            store,
        })
    }

    /// Says whether everything was received.
    fn run(&mut self) -> Result<bool, ReceiveError> {
        lines::print(&RoleEvent::Ready).map_err(ReceiveError::Print)?;
        let mut progress = Progress::default();
        let mut buffer = vec![0; usize::from(u16::MAX)];
        loop {
            let arrived = self
                .socket
                .receive(&mut buffer)
                .map_err(|error| self.failed(error))?;
            let now = Instant::now();
            if let Some((length, from)) = arrived {
                self.receiver.on_datagram(now, from, &buffer[..length]);
            } else {
                self.receiver.on_timer(now);
            }
            self.perform()?;
            if let Some((bytes, total)) = self.receiver.progress() {
                progress
                    .print(now, bytes, total)
                    .map_err(ReceiveError::Print)?;
            }
            while let Some(event) = self.receiver.poll_event() {
                lines::print(&event).map_err(ReceiveError::Print)?;
            }
            if let Some(outcome) = self.receiver.outcome() {
                return Ok(outcome);
            }
            if arrived.is_none() {
                let until = self.receiver.next_timer();
                self.socket
                    .wait(until)
                    .map_err(|error| self.failed(error))?;
            }
        }
    }

    fn perform(&mut self) -> Result<(), ReceiveError> {
        while let Some(action) = self.receiver.poll_action() {
            let stored = match action {
                Action::Send(to, datagram) => match self.socket.send(to, &datagram) {
                    // The sender will ask again.
                    Err(error) if !is_loss(&error) => return Err(self.failed(error)),
                    _ => Ok(()),
                },
                Action::Begin(session, files) => {
                    self.store.begin(session, files);
                    Ok(())
                }
                Action::Write {
                    file,
                    offset,
                    bytes,
                } => self.store.write(file, offset, &bytes),
                Action::Verify(file) => self.store.finish(file).map(|right| {
                    self.receiver.on_verified(Instant::now(), file, right);
                }),
                Action::Abandon => {
                    self.store.abandon();
                    Ok(())
                }
            };
            if let Err(error) = stored {
                let directory = self.arguments.directory.display();
                self.receiver
                    .fail(format!("cannot store files in {directory}: {error}"));
            }
        }
        Ok(())
    }

    fn failed(&self, source: io::Error) -> ReceiveError {
        ReceiveError::Socket {
            port: self.arguments.port,
            source,
        }
    }
}
