//! A socket that receives any number of sessions into a directory.
//!
//! It is a [`Task`], so a thread of its own can drive it, or an event loop.

use std::collections::VecDeque;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use protocol::broadcast::Seal;
use protocol::name::InterfaceName;
use protocol::role::{FileRecord, RoleEvent, Summary};

use super::decoder::{Decoded, Decoder};
use super::receiver::{Action, Receiver, ReceiverEvent, SessionId, Settings};
use super::rest::Rest;
use super::store::Store;
use crate::broadcast::net::{Arrived, BroadcastSocket, Dropping, Parts};
use crate::broadcast::random::draw;
use crate::broadcast::task::{Step, Task, Wait};

/// The order to receive: which sessions, where, and how.
#[derive(Debug, Clone)]
pub struct ReceiveOrder {
    /// The UDP port to listen on.
    pub port: u16,
    /// The interface to listen on; `None`: all.
    pub interface: Option<InterfaceName>,
    /// A multicast group to join.
    pub group: Option<Ipv4Addr>,
    /// Where the files go; made if it is not there.
    pub directory: PathBuf,
    /// The number of sessions to receive.
    pub sessions: usize,
    /// Gives up after this time; `None`: waits without end.
    pub deadline: Option<Duration>,
    /// A sender that is silent for so long is gone.
    pub patience: Duration,
    /// The protection of datagrams.
    pub seal: Seal,
    /// The seed of the receiver's number; if none, the number is unpredictable.
    pub seed: Option<u32>,
    /// Which of the datagrams that arrive are lost on purpose.
    pub dropping: Option<Dropping>,
}

/// Why nothing could be received.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// There is no such directory, and none can be made.
    #[error("cannot receive into {}: {source}", directory.display())]
    Directory {
        /// The directory.
        directory: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The socket refuses.
    #[error("cannot listen for broadcasts on UDP port {port}: {source}")]
    Socket {
        /// The port.
        port: u16,
        /// Why.
        source: io::Error,
    },
}

/// A socket at work.
#[derive(Debug)]
pub struct ReceiveTask {
    order: ReceiveOrder,
    socket: BroadcastSocket,
    decoder: Decoder,
    store: Store,
    receiver: Receiver,
    rest: Rest,
    buffer: Vec<u8>,
    events: VecDeque<RoleEvent>,
}

/// The result of one read of the socket.
#[derive(Debug, Default)]
struct SocketRead {
    /// Datagrams.
    brought: u32,
    /// Whether there may be more.
    more: bool,
}

impl ReceiveTask {
    /// Opens socket and directory. Every later datagram is seen.
    ///
    /// # Errors
    /// [`ReceiveError`].
    pub fn new(order: ReceiveOrder) -> Result<Self, ReceiveError> {
        let port = order.port;
        let failed = |source| ReceiveError::Socket { port, source };
        let interface = order.interface.as_ref();
        let socket = BroadcastSocket::bind(port, interface).map_err(failed)?;
        if let Some(group) = order.group {
            socket.join(group, interface).map_err(failed)?;
        }
        let settings = Settings {
            receiver: draw(order.seed, "receiver"),
            buffer: socket.buffer().map_err(failed)?,
            seal: order.seal.clone(),
            sessions: order.sessions,
            patience: order.patience,
            deadline: order.deadline,
        };
        let decoder = Decoder::new(socket.as_fd()).map_err(failed)?;
        let store = Store::new(&order.directory).map_err(|source| ReceiveError::Directory {
            directory: order.directory.clone(),
            source,
        })?;
        Ok(Self {
            receiver: Receiver::new(settings, Instant::now()),
            order,
            socket,
            decoder,
            store,
            rest: Rest::default(),
            buffer: vec![0; usize::from(u16::MAX)],
            events: VecDeque::new(),
        })
    }

    /// Takes what has arrived, at most so often.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<SocketRead> {
        let mut look = SocketRead::default();
        for _ in 0..MOST_CALLS {
            let Some(arrived) = self.socket.receive(buffer)? else {
                return Ok(look);
            };
            look.brought += self.take(arrived, &buffer[..arrived.length])?;
            if self.receiver.outcome().is_some() {
                return Ok(look);
            }
        }
        look.more = true;
        Ok(look)
    }

    /// Takes what a call has received; says how many datagrams that were.
    fn take(&mut self, arrived: Arrived, bytes: &[u8]) -> io::Result<u32> {
        let now = Instant::now();
        let mut taken = 0;
        for datagram in bytes.chunks(arrived.stride) {
            taken += 1;
            if !self
                .order
                .dropping
                .as_mut()
                .is_some_and(Dropping::falls_on_next)
            {
                self.receiver.on_datagram(now, arrived.from, datagram);
                // A report must know what the datagrams before its poll have brought.
                self.perform()?;
            }
        }
        Ok(taken)
    }

    fn perform(&mut self) -> io::Result<()> {
        while let Some(action) = self.receiver.poll_action() {
            match action {
                Action::Send(to, datagram) => {
                    if let Some((header, body)) = datagram.split_first_chunk() {
                        let parts = Parts {
                            header: *header,
                            body,
                            code: None,
                        };
                        // Where there is no room it is lost; the sender will ask again.
                        self.socket.send(to, &[parts])?;
                    }
                }
                Action::Begin(session, contents) => {
                    let restored = self.store.begin(session, contents);
                    if let Some(records) = self.check(session, restored) {
                        self.receiver.on_restored(session, &records);
                    }
                }
                Action::Decode(session, number, assembly) => {
                    if let Some(decoded) = self.decoder.decode((session, number, assembly)) {
                        self.take_decoded(decoded);
                    }
                }
                Action::Write {
                    session,
                    file,
                    offset,
                    block,
                    length,
                    content,
                } => {
                    let (place, bytes) = ((file, offset), &content[..length]);
                    let stored = self.store.write(session, place, bytes, block);
                    self.receiver.recycle(session, content);
                    self.check(session, stored);
                }
                Action::Finish(session, file, hash) => {
                    let stored = self.store.finish(session, file, hash);
                    if self.check(session, stored).is_some() {
                        self.receiver.on_stored(Instant::now(), session, file);
                    }
                }
                Action::End(session) => self.store.end(session),
            }
        }
        Ok(())
    }

    fn take_decoded(&mut self, (session, number, decoded): Decoded) {
        self.receiver.on_decoded(session, number, decoded);
    }

    /// Gives the session up where its files cannot be stored.
    fn check<T>(&mut self, session: SessionId, stored: io::Result<T>) -> Option<T> {
        stored
            .map_err(|error| {
                let directory = self.order.directory.display();
                let reason = format!("cannot store files in {directory}: {error}");
                self.receiver.fail(session, reason);
            })
            .ok()
    }

    fn take_events(&mut self) {
        while let Some(event) = self.receiver.poll_event() {
            self.events.push_back(match event {
                ReceiverEvent::Received(entry, hash, after) => RoleEvent::Received(
                    FileRecord::new(entry.name, entry.length, &hash, after.as_secs_f64()),
                ),
                ReceiverEvent::Finished(counts, after) => RoleEvent::Finished(Summary {
                    seconds: after.as_secs_f64(),
                    bytes: counts.bytes,
                    datagrams: counts.datagrams,
                    repeated: counts.repeated,
                }),
                ReceiverEvent::Failed(reason) => RoleEvent::Failed { reason },
            });
        }
    }

    fn socket_error(&self, source: io::Error) -> ReceiveError {
        ReceiveError::Socket {
            port: self.order.port,
            source,
        }
    }
}

impl Task for ReceiveTask {
    type Error = ReceiveError;

    fn step(&mut self) -> Result<Step, Self::Error> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let received = self.receive(&mut buffer);
        self.buffer = buffer;
        let look = received.map_err(|source| self.socket_error(source))?;
        let now = Instant::now();
        while let Some(decoded) = self.decoder.next() {
            self.take_decoded(decoded);
        }
        self.receiver.on_timer(now);
        self.perform().map_err(|source| self.socket_error(source))?;
        self.take_events();
        let resting = self.rest.after(look.brought, now).filter(|_| !look.more);
        let until = if look.more {
            Some(now)
        } else {
            resting.or(self.receiver.next_timer())
        };
        let wait = Wait {
            until,
            readable: resting.is_none(),
            writable: false,
        };
        Ok(self.receiver.outcome().map_or(Step::Wait(wait), Step::Done))
    }

    fn poll_event(&mut self) -> Option<RoleEvent> {
        self.events.pop_front()
    }

    fn progress(&self) -> Option<(u64, u64)> {
        self.receiver.progress()
    }

    fn cannot_wait(&self, source: io::Error) -> Self::Error {
        self.socket_error(source)
    }
}

impl AsFd for ReceiveTask {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.decoder.as_fd()
    }
}

/// Calls that receive something before a step ends.
const MOST_CALLS: usize = 64;
