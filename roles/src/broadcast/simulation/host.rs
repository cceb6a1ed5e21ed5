//! A receiver's machine: a socket with a finite buffer, files in memory, and a life of its own.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use protocol::broadcast::{FileEntry, Seal};

use super::dice::Dice;
use crate::broadcast::{Action, Assembly, DecoderCache, Receiver, ReceiverSettings, SessionId};

/// A receiver's machine; times are in microseconds since the start.
pub(super) struct Host {
    pub(super) address: SocketAddrV4,
    pub(super) receiver: Receiver,
    /// When it comes, and when it dies.
    pub(super) born: u64,
    pub(super) dies: Option<u64>,
    /// When it stops reading its socket, for how long.
    pub(super) stalls: (u64, u64),
    pub(super) busy_until: u64,
    pub(super) waiting: VecDeque<Vec<u8>>,
    /// Bytes of its receive buffer.
    buffer: u32,
    /// Bytes that wait, as a kernel would account for them.
    charged: usize,
    /// Whether blocks are decoded later, once something else has happened.
    dawdles: bool,
    decoding: Vec<(SessionId, u32, Assembly)>,
    files: Vec<FileEntry>,
    partial: BTreeMap<usize, Vec<u8>>,
    /// Files that have their names.
    pub(super) named: BTreeMap<String, Vec<u8>>,
}

impl Host {
    pub(super) fn new(
        number: u8,
        start: Instant,
        seal: &Seal,
        buffer: u32,
        dice: &mut Dice,
    ) -> Self {
        let address = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, number + 1), 5005);
        let settings = ReceiverSettings {
            receiver: dice.number(),
            buffer,
            seal: seal.clone(),
            sessions: 1,
            patience: Duration::from_secs(3),
            deadline: Some(Duration::from_secs(70)),
        };
        let born = [0, 0, 0, 0, 0, 3_000, 1_500_000, 30_000_000];
        let dies = [None, None, None, None, None, None, None, Some(50_000)];
        let stalls = [0, 0, 0, 2_000, 400_000, 4_000_000];
        let mut host = Self {
            address,
            receiver: Receiver::new(settings, start),
            born: *dice.pick(&born),
            dies: *dice.pick(&dies),
            stalls: (dice.below(20_000), *dice.pick(&stalls)),
            busy_until: 0,
            waiting: VecDeque::new(),
            buffer,
            charged: 0,
            dawdles: *dice.pick(&[false, true]),
            decoding: Vec::new(),
            files: Vec::new(),
            partial: BTreeMap::new(),
            named: BTreeMap::new(),
        };
        if let Some(dies) = &mut host.dies {
            host.born = 0;
            *dies = dice.below(*dies);
        }
        host
    }

    pub(super) fn is_alive(&self, now: u64) -> bool {
        self.born <= now && self.dies.is_none_or(|at| at > now)
    }

    pub(super) fn is_awake(&self, now: u64) -> bool {
        self.is_alive(now) && self.busy_until <= now && self.receiver.outcome().is_none()
    }

    /// A datagram arrives at its socket; where that is full, it is lost.
    pub(super) fn arrives(&mut self, now: u64, datagram: Vec<u8>) {
        let charge = datagram.len() * 2 + 256;
        if self.is_alive(now) && self.charged + charge <= self.buffer as usize {
            self.charged += charge;
            self.waiting.push_back(datagram);
        }
    }

    /// Takes the next datagram from its socket.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        let datagram = self.waiting.pop_front()?;
        self.charged -= datagram.len() * 2 + 256;
        Some(datagram)
    }

    /// Does what the receiver wants done, and returns what it wants sent.
    pub(super) fn perform(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let mut answers = Vec::new();
        for (session, number, assembly) in std::mem::take(&mut self.decoding) {
            self.receiver.on_decoded(
                session,
                number,
                assembly.finish(&mut DecoderCache::default()),
            );
        }
        while let Some(action) = self.receiver.poll_action() {
            match action {
                Action::Send(_, datagram) => answers.push(datagram),
                Action::Begin(_, contents) => self.files = contents.files,
                Action::Decode(session, number, assembly) if self.dawdles => {
                    self.decoding.push((session, number, assembly));
                }
                Action::Decode(session, number, assembly) => {
                    self.receiver.on_decoded(
                        session,
                        number,
                        assembly.finish(&mut DecoderCache::default()),
                    );
                }
                Action::Write {
                    session,
                    file,
                    offset,
                    length,
                    content,
                    ..
                } => {
                    let start = usize::try_from(offset).unwrap();
                    let bytes = self.partial.entry(file).or_default();
                    bytes.resize(bytes.len().max(start + length), 0);
                    bytes[start..start + length].copy_from_slice(&content[..length]);
                    self.receiver.recycle(session, content);
                }
                Action::Finish(session, file, _) => {
                    let bytes = self.partial.remove(&file).unwrap();
                    let name = self.files[file].name.to_string();
                    self.named.insert(name, bytes);
                    self.receiver.on_stored(now, session, file);
                }
                Action::End(_) => self.partial.clear(),
            }
        }
        answers
    }
}

/// Bytes of a socket's receive buffer, as large as Linux allows anybody by default.
pub(super) const BUFFER: u32 = 425_984;
