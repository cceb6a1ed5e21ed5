//! One session with its own socket: what a concurrency model runs as a task.
//!
//! It is a [`Task`], so a thread of its own can drive it, or an event loop.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::net::SocketAddrV4;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use protocol::broadcast::datagram::data_header;
use protocol::broadcast::{FileEntry, HEADER, ManifestError, Seal};
use protocol::name::{InterfaceName, NameError};
use protocol::role::{FileRecord, RoleEvent, Summary};

use super::group::{Expected, Lost};
use super::loader::{LoadError, Loader, Source};
use super::model::{SenderEvent, Settings, Transmit};
use super::sender::Sender;
use crate::broadcast::net::{BroadcastSocket, Dropping, Parts, Segmentation, symbol_size};
use crate::broadcast::random::draw;
use crate::broadcast::task::{Step, Task, Wait};

/// The order to send: what, to whom, and how.
#[derive(Debug, Clone)]
pub struct SendOrder {
    /// A broadcast address, a multicast group, or one receiver's.
    pub to: SocketAddrV4,
    /// The interface to send on; `None`: the one that the routes choose.
    pub interface: Option<InterfaceName>,
    /// The files, received under their names without folders.
    pub files: Vec<PathBuf>,
    /// The receivers to wait for.
    pub receivers: Expected,
    /// Receivers that are not done by then are lost.
    pub deadline: Duration,
    /// Receivers that are silent for so long are lost.
    pub patience: Duration,
    /// Bytes of datagrams a second; `None` is as fast as receivers and the way to them can.
    pub rate: Option<u64>,
    /// The place where bursts are cut into datagrams.
    pub segmentation: Segmentation,
    /// The protection of datagrams.
    pub seal: Seal,
    /// The seed of the session's number; if none, the number is unpredictable.
    pub seed: Option<u32>,
    /// Which of the datagrams that arrive are lost on purpose.
    pub dropping: Option<Dropping>,
}

/// Why nothing could be sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// A file cannot be opened.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file's name cannot be sent.
    #[error("{} has no name to send it under: {source}", path.display())]
    Name {
        /// The file.
        path: PathBuf,
        /// The fault in it.
        source: NameError,
    },
    /// The files cannot be one session.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The socket refuses.
    #[error("cannot broadcast to {to}{}: {source}", on(interface.as_ref()))]
    Socket {
        /// Where it should go.
        to: SocketAddrV4,
        /// The interface.
        interface: Option<InterfaceName>,
        /// Why.
        source: io::Error,
    },
}

/// A session that is being sent.
#[derive(Debug)]
pub struct SendTask {
    order: SendOrder,
    socket: BroadcastSocket,
    started: Instant,
    sender: Sender,
    loader: Loader,
    files: OpenFiles,
    entries: Vec<FileEntry>,
    /// The transmission for which the socket had no room.
    unsent: Option<Unsent>,
    buffer: Vec<u8>,
    /// Why a file could not be sent.
    broken: Option<String>,
    events: VecDeque<RoleEvent>,
    complete: bool,
}

#[derive(Debug)]
struct Unsent {
    transmit: Transmit,
    /// The number of its symbols that were sent.
    gone: usize,
}

impl SendTask {
    /// Opens files and socket. The first datagram goes with the first step.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn new(order: SendOrder) -> Result<Self, SendError> {
        let entries = order.files.iter().map(|path| entry(path));
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        let failed = |source| socket_error(&order, source);
        let interface = order.interface.as_ref();
        let mut socket = BroadcastSocket::bind(0, interface).map_err(failed)?;
        socket.segment(order.segmentation);
        let settings = Settings {
            session: draw(order.seed, "session"),
            symbol_size: symbol_size(order.to, interface, &order.seal).map_err(failed)?,
            seal: order.seal.clone(),
            expected: order.receivers.clone(),
            patience: order.patience,
            deadline: order.deadline,
            rate: order.rate,
        };
        let started = Instant::now();
        let sender = Sender::new(settings, &entries, started)?;
        Ok(Self {
            socket,
            started,
            loader: Loader::new(sender.layout().clone(), sender.manifest().to_vec()),
            sender,
            files: OpenFiles::new(order.files.clone()),
            entries,
            unsent: None,
            buffer: vec![0; usize::from(u16::MAX)],
            broken: None,
            events: VecDeque::new(),
            complete: false,
            order,
        })
    }

    fn progress_without_waiting(&mut self) -> io::Result<Step> {
        loop {
            self.receive()?;
            let now = Instant::now();
            self.sender.on_timer(now);
            self.take_events();
            let unsent = match self.unsent.take() {
                Some(unsent) => Some(unsent),
                None => self
                    .sender
                    .poll_transmit(now, MOST_SEGMENTS)
                    .map(|transmit| Unsent { transmit, gone: 0 }),
            };
            let Some(mut unsent) = unsent else {
                self.take_events();
                let until = self.sender.next_timer();
                let wait = Wait {
                    until,
                    readable: true,
                    writable: false,
                };
                return Ok(until.map_or(Step::Done(self.complete), |_| Step::Wait(wait)));
            };
            if !self.send(&mut unsent)? {
                self.unsent = Some(unsent);
                return Ok(Step::Wait(Wait {
                    until: Some(now + RETRY),
                    readable: true,
                    writable: true,
                }));
            }
        }
    }

    fn receive(&mut self) -> io::Result<()> {
        while let Some(arrived) = self.socket.receive(&mut self.buffer)? {
            let now = Instant::now();
            for datagram in self.buffer[..arrived.length].chunks(arrived.stride) {
                if !self
                    .order
                    .dropping
                    .as_mut()
                    .is_some_and(Dropping::falls_on_next)
                {
                    self.sender.on_datagram(now, arrived.from, datagram);
                }
            }
        }
        Ok(())
    }

    /// Sends as much of it as there is room for; says whether that was all.
    fn send(&mut self, unsent: &mut Unsent) -> io::Result<bool> {
        match &unsent.transmit {
            Transmit::Datagram(bytes) => {
                let Some((header, body)) = bytes.split_first_chunk::<HEADER>() else {
                    return Ok(true);
                };
                let parts = Parts {
                    header: *header,
                    body,
                    code: None,
                };
                Ok(self.socket.send(self.order.to, &[parts])? == 1)
            }
            Transmit::Symbols { block, symbols } => {
                let rest = &symbols[unsent.gone..];
                if !self.load(*block, rest) {
                    return Ok(true);
                }
                let settings = self.sender.settings();
                let loaded = self.loader.get(*block);
                let parts = rest.iter().filter_map(|&symbol| {
                    let body = loaded?.symbol(symbol)?;
                    let mut header = data_header(settings.session, *block, symbol);
                    let code = settings.seal.close(&mut header, body);
                    Some(Parts { header, body, code })
                });
                let parts: Vec<Parts<'_>> = parts.collect();
                let sent = self.socket.send(self.order.to, &parts)?;
                unsent.gone += sent;
                Ok(sent == parts.len())
            }
        }
    }

    /// Makes a block's symbols ready; whether that worked.
    fn load(&mut self, block: u32, symbols: &[u16]) -> bool {
        self.loader.make_room(self.sender.base());
        match self.loader.load(block, symbols, &mut self.files) {
            Ok(known) => {
                if let Some((file, hash)) = known {
                    self.sender.on_hash(file, hash);
                }
                true
            }
            Err(error) => {
                let path = |file: usize| self.order.files[file].display();
                let why = match error {
                    LoadError::Read { file, source } => {
                        format!("cannot read {}: {source}", path(file))
                    }
                    LoadError::Changed { file } => {
                        format!("{} was changed while it was sent", path(file))
                    }
                    LoadError::Encoding(_) => error.to_string(),
                };
                self.sender.fail(Instant::now(), &why);
                self.broken = Some(why);
                false
            }
        }
    }

    fn take_events(&mut self) {
        while let Some(event) = self.sender.poll_event() {
            let seconds = self.started.elapsed().as_secs_f64();
            match event {
                SenderEvent::Proved(file, hash) => {
                    let entry = &self.entries[file];
                    let record = FileRecord::new(entry.name.clone(), entry.length, &hash, seconds);
                    self.events.push_back(RoleEvent::Sent(record));
                }
                SenderEvent::Ended(lost) if lost.is_empty() => {
                    self.complete = true;
                    let sent = self.sender.sent();
                    self.events.push_back(RoleEvent::Finished(Summary {
                        seconds,
                        bytes: self.sender.layout().bytes(),
                        datagrams: sent.datagrams,
                        repeated: sent.repairs,
                    }));
                }
                SenderEvent::Ended(lost) => self.fail(lost),
            }
        }
    }

    fn fail(&mut self, lost: Vec<Lost>) {
        let names: Vec<_> = lost.iter().map(|lost| lost.receiver.as_str()).collect();
        let unproved = format!("not everything was proved by: {}", names.join(", "));
        let reason = self.broken.take().unwrap_or(unproved);
        self.events.extend(
            lost.into_iter()
                .map(|Lost { receiver, reason }| RoleEvent::Lost { receiver, reason }),
        );
        self.events.push_back(RoleEvent::Failed { reason });
    }
}

impl Task for SendTask {
    type Error = SendError;

    fn step(&mut self) -> Result<Step, Self::Error> {
        let result = self.progress_without_waiting();
        result.map_err(|source| socket_error(&self.order, source))
    }

    fn poll_event(&mut self) -> Option<RoleEvent> {
        self.events.pop_front()
    }

    fn progress(&self) -> Option<(u64, u64)> {
        Some(self.sender.progress())
    }

    fn cannot_wait(&self, source: io::Error) -> Self::Error {
        socket_error(&self.order, source)
    }
}

impl AsFd for SendTask {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The files of a session, one open at a time.
#[derive(Debug)]
struct OpenFiles {
    paths: Vec<PathBuf>,
    open: Option<(usize, File)>,
}

impl OpenFiles {
    fn new(paths: Vec<PathBuf>) -> Self {
        Self { paths, open: None }
    }
}

impl Source for OpenFiles {
    fn read(&mut self, number: usize, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let file = match self.open.take() {
            Some((open, file)) if open == number => file,
            _ => File::open(&self.paths[number])?,
        };
        file.read_exact_at(bytes, offset)?;
        self.open = Some((number, file));
        Ok(())
    }
}

fn entry(path: &Path) -> Result<FileEntry, SendError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.parse().map_err(|source| SendError::Name {
        path: path.to_owned(),
        source,
    })?;
    let unreadable = |source| SendError::Read {
        path: path.to_owned(),
        source,
    };
    let metadata = File::open(path).and_then(|file| file.metadata());
    let metadata = metadata.map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(unreadable(io::ErrorKind::IsADirectory.into()));
    }
    let length = metadata.len();
    Ok(FileEntry { name, length })
}

fn socket_error(order: &SendOrder, source: io::Error) -> SendError {
    SendError::Socket {
        to: order.to,
        interface: order.interface.clone(),
        source,
    }
}

fn on(interface: Option<&InterfaceName>) -> String {
    interface.map_or_else(String::new, |name| format!(" on {name}"))
}

/// Datagrams that one call sends: more than 64 some kernels refuse, and 44 of 1 472 bytes fill what
/// UDP carries.
const MOST_SEGMENTS: usize = 44;
/// When to try again where the queue is full but the socket's buffer is not.
const RETRY: Duration = Duration::from_micros(500);
