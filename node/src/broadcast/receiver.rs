//! The receiving side of a broadcast as a state machine: no sockets, no files, no clock.
//!
//! It stays silent until polled. The first poll binds it to that sender's session; the manifest comes
//! first and says where all later blocks belong. A file counts only once what was stored of it has
//! the hash that the manifest names.

use std::collections::VecDeque;
use std::net::SocketAddrV4;
use std::time::{Duration, Instant};

use protocol::datagram::{
    DATA_HEADER, Datagram, Message, Poll, RANGE, REPORT_HEADER, Report, State,
};
use protocol::manifest::{FileEntry, MAX_MANIFEST};
use protocol::role::{FileRecord, RoleEvent};

use super::incoming::{Incoming, Progress};
use super::proof;

/// What the receiver wants done, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Send a datagram to the sender.
    Send(SocketAddrV4, Vec<u8>),
    /// The session's files are known: make room for them.
    Begin(u32, Vec<FileEntry>),
    /// Store bytes of a file.
    Write {
        /// The file's number.
        file: usize,
        /// Offset of the first byte.
        offset: u64,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// All of a file is stored: compare its hash, give it its name if it is right, and tell
    /// [`Receiver::on_verified`].
    Verify(usize),
    /// The session is void; forget what is stored without a proof.
    Abandon,
}

/// How a receiver is to behave.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Tells it from other receivers at its address; random.
    pub receiver: u32,
    /// Bytes of its socket's receive buffer.
    pub buffer: u32,
    /// A sender that is silent for so long is gone.
    pub patience: Duration,
    /// It gives up after this time; `None` never.
    pub deadline: Option<Duration>,
}

/// The receiver of one session.
#[derive(Debug)]
pub struct Receiver {
    settings: Settings,
    started: Instant,
    session: Option<Session>,
    actions: VecDeque<Action>,
    events: VecDeque<RoleEvent>,
    outcome: Option<bool>,
}

#[derive(Debug)]
struct Session {
    number: u32,
    sender: SocketAddrV4,
    started: Instant,
    heard: Instant,
    incoming: Incoming,
}

impl Receiver {
    /// A receiver that listens from `now` on.
    pub fn new(settings: Settings, now: Instant) -> Self {
        Self {
            settings,
            started: now,
            session: None,
            actions: VecDeque::new(),
            events: VecDeque::new(),
            outcome: None,
        }
    }

    /// Takes a datagram; one that is damaged, stale or from a foreign session changes nothing.
    pub fn on_datagram(&mut self, now: Instant, from: SocketAddrV4, datagram: &[u8]) {
        let Ok(Datagram {
            session: number,
            message,
        }) = Datagram::decode(datagram)
        else {
            return;
        };
        if self.outcome.is_some() {
            return;
        }
        if let Message::Poll(poll) = &message {
            self.bind(now, from, number, poll);
        }
        let Some(session) = &mut self.session else {
            return;
        };
        if session.number != number || session.sender != from {
            return;
        }
        session.heard = now;
        match message {
            Message::Poll(poll) => self.answer(&poll),
            Message::Data { block, bytes } => self.store(block, bytes),
            Message::End => self.end(now),
            Message::Report(_) => {}
        }
    }

    /// Takes the result of [`Action::Verify`].
    pub fn on_verified(&mut self, now: Instant, file: usize, right: bool) {
        let Some(session) = &mut self.session else {
            return;
        };
        match session.incoming.verified(file, right) {
            Progress::Proved(entry) => self.events.push_back(RoleEvent::Received(FileRecord {
                name: entry.name.clone(),
                bytes: entry.length,
                sha256: proof::hexadecimal(&entry.sha256),
                seconds: (now - session.started).as_secs_f64(),
            })),
            Progress::Failed(reason) => self.fail(reason),
            _ => {}
        }
    }

    /// Is to be called when [`Self::next_timer`] has come.
    pub fn on_timer(&mut self, now: Instant) {
        if self.outcome.is_some() {
            return;
        }
        if self.settled().is_some_and(|at| now >= at) {
            self.finish(now);
        } else if self.deadline().is_some_and(|at| now >= at) {
            let missing = match &self.session {
                Some(session) => session.incoming.missing(),
                None => "no sender was heard".into(),
            };
            self.fail(format!("the deadline passed: {missing}"));
        }
    }

    /// When [`Self::on_timer`] is to be called, unless a datagram arrives before.
    pub fn next_timer(&self) -> Option<Instant> {
        [self.settled(), self.deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Gives up: what was asked of the machine cannot be done.
    pub fn fail(&mut self, reason: String) {
        if self.outcome.is_some() {
            return;
        }
        self.report(0, 0, State::Failed);
        self.actions.push_back(Action::Abandon);
        self.events.push_back(RoleEvent::Failed { reason });
        self.outcome = Some(false);
    }

    /// The next thing to do, if any.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// What happened since the last call.
    pub fn poll_event(&mut self) -> Option<RoleEvent> {
        self.events.pop_front()
    }

    /// Bytes received, and of all files; `None` before these are known.
    pub fn progress(&self) -> Option<(u64, u64)> {
        self.session
            .as_ref()
            .and_then(|session| session.incoming.progress())
    }

    /// Whether it ended, and with everything received.
    pub fn outcome(&self) -> Option<bool> {
        self.outcome
    }

    /// Takes part in the polled session if it is in none, or if its own has fallen silent.
    fn bind(&mut self, now: Instant, from: SocketAddrV4, number: u32, poll: &Poll) {
        if let Some(session) = &self.session {
            let same = session.number == number && session.sender == from;
            if same || now - session.heard < self.settings.patience {
                return;
            }
            self.actions.push_back(Action::Abandon);
            self.session = None;
        }
        if poll.manifest_length > MAX_MANIFEST {
            return;
        }
        let Ok(incoming) = Incoming::new(poll) else {
            return;
        };
        self.session = Some(Session {
            number,
            sender: from,
            started: now,
            heard: now,
            incoming,
        });
    }

    fn answer(&mut self, poll: &Poll) {
        self.report(poll.round, poll.upto, State::Receiving);
    }

    fn report(&mut self, round: u32, upto: u32, state: State) {
        let Some(session) = &mut self.session else {
            return;
        };
        let incoming = &mut session.incoming;
        let room = usize::from(incoming.block_size()) + DATA_HEADER;
        let ranges = (room.saturating_sub(REPORT_HEADER) / RANGE).max(1);
        let (proved, proof) = incoming.proof();
        let report = Report {
            round,
            receiver: self.settings.receiver,
            buffer: self.settings.buffer,
            state,
            proved,
            proof,
            missing: incoming.missing_below(upto, ranges),
        };
        let datagram = Datagram {
            session: session.number,
            message: Message::Report(report),
        };
        self.actions
            .push_back(Action::Send(session.sender, datagram.encode()));
    }

    fn store(&mut self, block: u32, bytes: &[u8]) {
        let Some(session) = &mut self.session else {
            return;
        };
        match session.incoming.block(block, bytes) {
            Progress::Nothing | Progress::Proved(_) => {}
            Progress::Stored {
                file,
                offset,
                whole,
            } => {
                self.actions.push_back(Action::Write {
                    file,
                    offset,
                    bytes: bytes.to_vec(),
                });
                if whole {
                    self.actions.push_back(Action::Verify(file));
                }
            }
            Progress::Known { files, empty } => {
                self.actions.push_back(Action::Begin(session.number, files));
                self.actions.extend(empty.into_iter().map(Action::Verify));
            }
            Progress::Failed(reason) => self.fail(reason),
        }
    }

    fn end(&mut self, now: Instant) {
        let Some(session) = &self.session else { return };
        if session.incoming.whole() {
            self.report(0, 0, State::Leaving);
            self.finish(now);
        } else {
            let missing = session.incoming.missing();
            self.fail(format!("the sender ended the session: {missing}"));
        }
    }

    fn finish(&mut self, now: Instant) {
        if let Some(session) = &self.session {
            let seconds = (now - session.started).as_secs_f64();
            self.events
                .push_back(RoleEvent::Finished(session.incoming.summary(seconds)));
        }
        self.outcome = Some(true);
    }

    /// With everything proved and the sender silent there is nothing to wait for.
    fn settled(&self) -> Option<Instant> {
        let session = self.session.as_ref()?;
        session
            .incoming
            .whole()
            .then(|| session.heard + self.settings.patience)
    }

    fn deadline(&self) -> Option<Instant> {
        self.settings
            .deadline
            .map(|deadline| self.started + deadline)
    }
}
