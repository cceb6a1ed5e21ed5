//! The receiving side of a broadcast as a state machine: no sockets, no files, no clock.
//!
//! It stays silent until polled. A poll of a session that it does not know begins that session, as
//! long as it is to serve another; all later datagrams of it are told by the sender's address and the
//! session's number. A session has a place among those to be served once its list of files is whole:
//! until then anybody may have made it up, and it keeps nobody out. A file counts only once its blocks,
//! each as it was stored, make up the hash that came with the last of them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddrV4;
use std::time::{Duration, Instant};

use protocol::broadcast::hash::Hash;
use protocol::broadcast::{Datagram, FileEntry, Layout, Message, Poll, Report, Seal, State};

use super::assembly::{Assembly, Whole};
use super::journal::Record;
use super::session::{Counts, Outcome, Session};

/// A session: the sender's address, and the number that it chose.
pub type SessionId = (SocketAddrV4, u32);

/// An action that the receiver asks for. Actions are carried out in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Send a datagram to this address.
    Send(SocketAddrV4, Vec<u8>),
    /// The session's files are known: make room for them, and tell [`Receiver::on_restored`] what is
    /// there already.
    Begin(SessionId, Contents),
    /// Finish a block, with its number, now or while more datagrams arrive; and tell
    /// [`Receiver::on_decoded`].
    Decode(SessionId, u32, Assembly),
    /// Store the first `length` bytes of `content` in a file; then give `content` to
    /// [`Receiver::recycle`].
    Write {
        /// The session.
        session: SessionId,
        /// The file's number.
        file: usize,
        /// Offset of the first byte.
        offset: u64,
        /// The block that these bytes are.
        block: Record,
        /// Their length in bytes.
        length: usize,
        /// The bytes, and more.
        content: Vec<u8>,
    },
    /// All of a file is stored: give it its name, and tell [`Receiver::on_stored`].
    Finish(SessionId, usize, Hash),
    /// The session is over; forget what has no name yet.
    End(SessionId),
}

/// The contents of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// The manifest's hash.
    pub manifest: Hash,
    /// The files.
    pub files: Vec<FileEntry>,
    /// Which bytes its blocks hold.
    pub layout: Layout,
}

/// An event that the receiver reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceiverEvent {
    /// A file is there under its name, with this hash, so long after its session began.
    Received(FileEntry, Hash, Duration),
    /// A session has ended, so long after it began, with all its files.
    Finished(Counts, Duration),
    /// A session has ended without, or none has begun.
    Failed(String),
}

/// The settings of a receiver.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Tells it from other receivers at its address; random.
    pub receiver: u32,
    /// Bytes of its socket's receive buffer.
    pub buffer: u32,
    /// The protection of datagrams.
    pub seal: Seal,
    /// The number of sessions it serves, at the same time or one after the other, before it is done.
    pub sessions: usize,
    /// A sender that is silent for so long is gone.
    pub patience: Duration,
    /// It gives up after this time; `None` never.
    pub deadline: Option<Duration>,
}

/// The receiver of any number of sessions.
#[derive(Debug)]
pub struct Receiver {
    settings: Settings,
    started: Instant,
    sessions: BTreeMap<SessionId, Session>,
    /// Sessions that have ended, so that their senders get an answer and they do not begin again.
    over: BTreeSet<SessionId>,
    served: usize,
    failed: bool,
    actions: VecDeque<Action>,
    events: VecDeque<ReceiverEvent>,
    done: bool,
}

impl Receiver {
    /// A receiver that listens from `now` on.
    pub fn new(settings: Settings, now: Instant) -> Self {
        Self {
            settings,
            started: now,
            sessions: BTreeMap::new(),
            over: BTreeSet::new(),
            served: 0,
            failed: false,
            actions: VecDeque::new(),
            events: VecDeque::new(),
            done: false,
        }
    }

    /// Takes a datagram; one that is damaged, stale or from a foreign session changes nothing.
    pub fn on_datagram(&mut self, now: Instant, from: SocketAddrV4, datagram: &[u8]) {
        let Ok(Datagram { session, message }) = Datagram::decode(datagram, &self.settings.seal)
        else {
            return;
        };
        let id = (from, session);
        match message {
            _ if self.done => {}
            Message::Data {
                block,
                symbol,
                bytes,
            } => {
                if let Some(session) = self.sessions.get_mut(&id) {
                    let brought = session.symbol(now, (block, symbol), bytes);
                    self.act(id, brought);
                }
            }
            Message::Poll(poll) => self.answer(now, id, &poll),
            Message::End if self.over.contains(&id) => self.take_leave(id),
            Message::End => self.end(now, id),
            Message::Report(_) => {}
        }
    }

    /// Takes the result of [`Action::Begin`].
    pub fn on_restored(&mut self, id: SessionId, records: &[Record]) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.restore(records);
        }
    }

    /// Takes the result of [`Action::Decode`].
    pub fn on_decoded(&mut self, id: SessionId, number: u32, decoded: Result<Whole, Vec<u8>>) {
        if let Some(session) = self.sessions.get_mut(&id) {
            let brought = session.decoded(number, decoded);
            self.act(id, brought);
        }
    }

    /// Takes the result of [`Action::Finish`]. With the last file the last poll is answered again, for
    /// its first answer could not tell.
    pub fn on_stored(&mut self, now: Instant, id: SessionId, file: usize) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let after = now.saturating_duration_since(session.started);
        let stored = session.stored(file);
        self.events
            .extend(stored.map(|(entry, hash)| ReceiverEvent::Received(entry, hash, after)));
        if session.is_whole() {
            self.report(now, id);
        }
    }

    /// Takes back the content of [`Action::Write`].
    pub fn recycle(&mut self, id: SessionId, content: Vec<u8>) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.recycle(content);
        }
    }

    /// Is to be called when [`Self::next_timer`] has come.
    pub fn on_timer(&mut self, now: Instant) {
        if self.done {
            return;
        }
        let patience = self.settings.patience;
        let settled = |session: &Session| session.is_whole() && now >= session.heard + patience;
        let settled: Vec<SessionId> = self
            .sessions
            .iter()
            .filter_map(|(id, session)| settled(session).then_some(*id))
            .collect();
        for id in settled {
            self.finish(now, id);
        }
        let idle = |session: &Session| !session.is_known() && now >= session.advanced + patience;
        self.forget(|session| idle(session));
        if self.deadline().is_some_and(|at| now >= at) {
            self.expire();
        }
    }

    /// When [`Self::on_timer`] is to be called, unless a datagram arrives before.
    pub fn next_timer(&self) -> Option<Instant> {
        let settling = self.sessions.values().filter(|session| session.is_whole());
        let settling = settling.map(|session| session.heard + self.settings.patience);
        let unknown = self.sessions.values().filter(|session| !session.is_known());
        let idle = unknown.map(|session| session.advanced + self.settings.patience);
        settling.chain(idle).chain(self.deadline()).min()
    }

    /// Gives a session up: what was asked of the machine cannot be done.
    pub fn fail(&mut self, id: SessionId, reason: String) {
        let Some(session) = self.sessions.remove(&id) else {
            return;
        };
        let mut report = session.report(0, 0, State::Failed);
        self.sign(&mut report);
        self.send(id, report, session.symbol_size());
        self.close(id, ReceiverEvent::Failed(reason));
        self.failed = true;
    }

    /// The next thing to do, if any.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Returns the next event since the last call.
    pub fn poll_event(&mut self) -> Option<ReceiverEvent> {
        self.events.pop_front()
    }

    /// Bytes received, and of all files that are known of.
    pub fn progress(&self) -> Option<(u64, u64)> {
        let known = self.sessions.values().filter_map(Session::progress);
        known.reduce(|(a, all), (b, more)| (a + b, all + more))
    }

    /// Whether it is done, and with everything received.
    pub fn outcome(&self) -> Option<bool> {
        self.done.then_some(!self.failed)
    }

    fn answer(&mut self, now: Instant, id: SessionId, poll: &Poll) {
        self.begin(now, id, poll);
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        session.heard = now;
        session.asked = (poll.round, poll.upto);
        self.report(now, id);
    }

    /// Answers the last poll of a session.
    fn report(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get(&id) else {
            return;
        };
        let (round, upto) = session.asked;
        let mut report = session.report(round, upto, State::Receiving);
        let size = session.symbol_size();
        let clock = now.saturating_duration_since(self.started).as_micros();
        report.clock = u32::try_from(clock & u128::from(u32::MAX)).unwrap_or_default();
        self.sign(&mut report);
        self.send(id, report, size);
    }

    /// Listens to a session that is new, if there may be a place for it, or one that has a place is stuck.
    fn begin(&mut self, now: Instant, id: SessionId, poll: &Poll) {
        if self.sessions.contains_key(&id) || self.over.contains(&id) {
            return;
        }
        if self.places() == 0 {
            let gone = now.checked_sub(self.settings.patience);
            let is_stuck = |session: &Session| {
                session.is_known()
                    && !session.is_whole()
                    && gone.is_some_and(|at| session.heard <= at)
            };
            let stuck = self.sessions.iter().find(|(_, session)| is_stuck(session));
            let Some(stuck) = stuck.map(|(id, _)| *id) else {
                return;
            };
            self.leave(stuck);
        }
        let unknown = self
            .sessions
            .iter()
            .filter(|(_, session)| !session.is_known());
        if unknown.clone().count() >= self.places() + MOST_UNKNOWN {
            let idlest = unknown.min_by_key(|(_, session)| session.advanced);
            if let Some(idlest) = idlest.map(|(id, _)| *id) {
                self.leave(idlest);
            }
        }
        if let Ok(session) = Session::new(now, poll) {
            self.sessions.insert(id, session);
        }
    }

    /// Returns how many more sessions it can serve now.
    fn places(&self) -> usize {
        let taken = self.sessions.values().filter(|session| session.is_known());
        self.allowed().saturating_sub(taken.count())
    }

    /// Returns how many sessions may have a place at the same time.
    fn allowed(&self) -> usize {
        let left = self.settings.sessions.saturating_sub(self.served);
        left.min(MOST_SESSIONS)
    }

    /// Gives a session that has become known its place, or, where another was faster, gives it up. With
    /// the last place those are given up that are not known yet.
    fn admit(&mut self, id: SessionId, contents: Contents) {
        let known = self.sessions.values().filter(|session| session.is_known());
        if known.count() > self.allowed() {
            self.leave(id);
            return;
        }
        self.actions.push_back(Action::Begin(id, contents));
        if self.places() == 0 {
            self.forget(|session| !session.is_known());
        }
    }

    /// Gives up the sessions that are such.
    fn forget(&mut self, is_such: impl Fn(&Session) -> bool) {
        let such = self.sessions.iter().filter(|(_, session)| is_such(session));
        let such: Vec<SessionId> = such.map(|(id, _)| *id).collect();
        for id in such {
            self.leave(id);
        }
    }

    fn is_known(&self, id: SessionId) -> bool {
        self.sessions.get(&id).is_some_and(Session::is_known)
    }

    fn leave(&mut self, id: SessionId) {
        self.sessions.remove(&id);
        self.actions.push_back(Action::End(id));
    }

    fn act(&mut self, id: SessionId, brought: Outcome) {
        match brought {
            Outcome::Nothing => {}
            Outcome::Enough(number, assembly) => {
                let decode = Action::Decode(id, number, assembly);
                self.actions.push_back(decode);
            }
            Outcome::Contents(contents) => self.admit(id, contents),
            Outcome::Block {
                file,
                block,
                record,
                content,
                whole,
            } => {
                self.actions.push_back(Action::Write {
                    session: id,
                    file,
                    offset: block.offset(),
                    block: record,
                    length: block.length as usize,
                    content,
                });
                if let Some(hash) = whole {
                    self.actions.push_back(Action::Finish(id, file, hash));
                }
            }
            // A list of files that is none is nobody's.
            Outcome::Failed(_) if !self.is_known(id) => self.leave(id),
            Outcome::Failed(reason) => self.fail(id, reason),
        }
    }

    fn end(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get(&id) else {
            return;
        };
        if session.is_whole() {
            self.take_leave(id);
            self.finish(now, id);
        } else if !session.is_known() {
            self.take_leave(id);
            self.leave(id);
        } else {
            let missing = session.missing();
            self.fail(id, format!("the sender ended the session: {missing}"));
        }
    }

    fn finish(&mut self, now: Instant, id: SessionId) {
        if let Some(session) = self.sessions.remove(&id) {
            let after = now.saturating_duration_since(session.started);
            self.close(id, ReceiverEvent::Finished(session.counts, after));
        }
    }

    fn close(&mut self, id: SessionId, event: ReceiverEvent) {
        self.actions.push_back(Action::End(id));
        self.events.push_back(event);
        self.served += 1;
        self.done = self.served >= self.settings.sessions;
        if self.over.len() >= MOST_REMEMBERED {
            self.over.pop_first();
        }
        self.over.insert(id);
    }

    fn expire(&mut self) {
        if self.sessions.is_empty() {
            let reason = "the deadline passed: no sender was heard".into();
            self.events.push_back(ReceiverEvent::Failed(reason));
        }
        let missing = |(id, session): (&SessionId, &Session)| (*id, session.missing());
        let open: Vec<_> = self.sessions.iter().map(missing).collect();
        for (id, missing) in open {
            self.fail(id, format!("the deadline passed: {missing}"));
        }
        self.failed = true;
        self.done = true;
    }

    /// Acknowledges the end of a session.
    fn take_leave(&mut self, id: SessionId) {
        let (mut report, size) = match self.sessions.get(&id) {
            Some(session) => (session.report(0, 0, State::Leaving), session.symbol_size()),
            None => (Report::leaving(), 0),
        };
        self.sign(&mut report);
        self.send(id, report, size);
    }

    /// Writes into a report what is the receiver's own.
    fn sign(&self, report: &mut Report) {
        report.receiver = self.settings.receiver;
        // Sessions share the socket's buffer.
        let sharing = u32::try_from(self.sessions.len().max(1)).unwrap_or(u32::MAX);
        report.buffer = self.settings.buffer / sharing;
    }

    fn send(&mut self, (sender, session): SessionId, report: Report, symbol_size: usize) {
        let message = Message::Report(report);
        let datagram = Datagram { session, message }.encode(&self.settings.seal, symbol_size);
        self.actions.push_back(Action::Send(sender, datagram));
    }

    fn deadline(&self) -> Option<Instant> {
        let deadline = self.settings.deadline?;
        Some(self.started + deadline)
    }
}

/// Sessions at the same time.
const MOST_SESSIONS: usize = 64;
/// Sessions beyond those there are places for that are listened to until they are known, or idle; a bound
/// for what strangers can begin. Each needs 10 MiB at most.
const MOST_UNKNOWN: usize = 8;
/// Sessions that have ended, of which this is remembered.
const MOST_REMEMBERED: usize = 4096;
