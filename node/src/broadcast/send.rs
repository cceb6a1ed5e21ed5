//! `node broadcast-send`: drives a [`Sender`] with one thread and one socket.

use std::fs::File;
use std::io;
use std::net::SocketAddrV4;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use protocol::datagram::{self, DATA_HEADER};
use protocol::manifest::{FileEntry, ManifestError};
use protocol::name::NameError;
use protocol::role::RoleEvent;

use super::lines::{self, Progress};
use super::options::SendArguments;
use super::random::random;
use super::sender::{Sender, Settings, Transmit};
use super::socket::BroadcastSocket;
use super::store;

/// Runs `node broadcast-send`: sends the files and prints what happens. The code is 0 once every
/// receiver has proved every file, otherwise 1.
pub fn send(arguments: SendArguments) -> ExitCode {
    let result = SendRun::new(arguments).and_then(|mut run| run.run());
    let reason = match result {
        Ok(true) => return ExitCode::SUCCESS,
        Ok(false) => return ExitCode::FAILURE,
        Err(error) => error.to_string(),
    };
    // Where nobody reads, the exit code still tells.
    let _ = lines::print(&RoleEvent::Failed { reason });
    ExitCode::FAILURE
}

/// Why nothing could be sent.
#[derive(Debug, thiserror::Error)]
enum SendError {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} has no name to send it under: {source}", path.display())]
    Name { path: PathBuf, source: NameError },
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("cannot broadcast to {to} on {interface}: {source}")]
    Socket {
        to: SocketAddrV4,
        interface: String,
        source: io::Error,
    },
    #[error("cannot print: {0}")]
    Print(io::Error),
}

struct SendRun {
    to: SocketAddrV4,
    interface: String,
    socket: BroadcastSocket,
    sender: Sender,
    session: u32,
    paths: Vec<PathBuf>,
    /// The file read from last: blocks mostly go in order.
    open: Option<(usize, File)>,
}

impl SendRun {
    fn new(arguments: SendArguments) -> Result<Self, SendError> {
        let files = arguments.files.iter().map(|path| entry(path));
        let files = files.collect::<Result<Vec<_>, _>>()?;
        let to = SocketAddrV4::new(arguments.to, arguments.port);
        let interface = arguments.interface.as_ref();
        let name = interface
            .map_or("the routes' choice", |name| name.as_str())
            .to_owned();
        let failed = |source| SendError::Socket {
            to,
            interface: name.clone(),
            source,
        };
        let session = random();
        let settings = Settings {
            session,
            block_size: BroadcastSocket::block_size(to, interface).map_err(failed)?,
            expected: arguments.receivers,
            patience: arguments.patience,
            deadline: arguments.deadline,
            rate: arguments.rate,
        };
        let socket = BroadcastSocket::bind(0, interface).map_err(failed)?;
        let sender = Sender::new(settings, files, Instant::now())?;
        Ok(Self {
            to,
            interface: name,
            socket,
            sender,
            session,
            paths: arguments.files,
            open: None,
        })
    }

    /// Says whether every receiver has everything.
    fn run(&mut self) -> Result<bool, SendError> {
        lines::print(&RoleEvent::Ready).map_err(SendError::Print)?;
        let mut complete = false;
        let mut progress = Progress::default();
        let mut buffer = vec![0; DATA_HEADER + usize::from(u16::MAX)];
        loop {
            while let Some((length, from)) = self.receive(&mut buffer)? {
                self.sender
                    .on_datagram(Instant::now(), from, &buffer[..length]);
            }
            self.sender.on_timer(Instant::now());
            while let Some(transmit) = self.sender.poll_transmit(Instant::now()) {
                self.transmit(transmit, &mut buffer)?;
            }
            let now = Instant::now();
            let (bytes, total) = self.sender.progress();
            progress
                .print(now, bytes, total)
                .map_err(SendError::Print)?;
            while let Some(event) = self.sender.poll_event() {
                complete |= matches!(event, RoleEvent::Finished(_));
                lines::print(&event).map_err(SendError::Print)?;
            }
            let Some(until) = self.sender.next_timer(now) else {
                return Ok(complete);
            };
            self.socket
                .wait(Some(until))
                .map_err(|error| self.failed(error))?;
        }
    }

    fn receive(&self, buffer: &mut [u8]) -> Result<Option<(usize, SocketAddrV4)>, SendError> {
        self.socket
            .receive(buffer)
            .map_err(|error| self.failed(error))
    }

    fn transmit(&mut self, transmit: Transmit, buffer: &mut [u8]) -> Result<(), SendError> {
        let sent = match transmit {
            Transmit::Datagram(datagram) => self.socket.send(self.to, &datagram),
            Transmit::Block {
                block,
                file,
                offset,
                length,
            } => {
                let datagram = &mut buffer[..DATA_HEADER + usize::from(length)];
                self.read(file, offset, &mut datagram[DATA_HEADER..])?;
                datagram::seal_data(self.session, block, datagram);
                self.socket.send(self.to, datagram)
            }
        };
        match sent {
            // A link that is down or a full queue loses datagrams; receivers will ask again.
            Err(error) if !is_loss(&error) => Err(self.failed(error)),
            _ => Ok(()),
        }
    }

    fn read(&mut self, number: usize, offset: u64, bytes: &mut [u8]) -> Result<(), SendError> {
        let path = &self.paths[number];
        let failed = |source| SendError::Read {
            path: path.clone(),
            source,
        };
        let file = match self.open.take() {
            Some((open, file)) if open == number => file,
            _ => File::open(path).map_err(failed)?,
        };
        file.read_exact_at(bytes, offset).map_err(failed)?;
        self.open = Some((number, file));
        Ok(())
    }

    fn failed(&self, source: io::Error) -> SendError {
        SendError::Socket {
            to: self.to,
            interface: self.interface.clone(),
            source,
        }
    }
}

fn entry(path: &Path) -> Result<FileEntry, SendError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.parse().map_err(|source| SendError::Name {
        path: path.to_owned(),
        source,
    })?;
    let (length, sha256) = store::digest(path).map_err(|source| SendError::Read {
        path: path.to_owned(),
        source,
    })?;
    Ok(FileEntry {
        name,
        length,
        sha256,
    })
}

/// Whether a datagram that could not be sent is to be seen as lost on the way.
pub(super) fn is_loss(error: &io::Error) -> bool {
    use nix::errno::Errno;
    let errno = error.raw_os_error().map(Errno::from_raw);
    matches!(
        errno,
        Some(
            Errno::ENOBUFS
                | Errno::ENETDOWN
                | Errno::ENETUNREACH
                | Errno::EHOSTUNREACH
                | Errno::ECONNREFUSED
                | Errno::EPERM
        )
    )
}
