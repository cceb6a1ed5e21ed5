//! The sending side of a broadcast as a state machine: no sockets, no files, no clock.
//!
//! It announces itself until the expected receivers are there and know the manifest, and then sends
//! block after block, with polls between. Reports say what a receiver lacks and how far it has read its
//! socket; the first decides what is repaired, before anything new, the second how much may be under
//! way. A receiver that answers late holds nobody up; one that stays silent is given up and named.

use std::collections::VecDeque;
use std::net::SocketAddrV4;
use std::time::{Duration, Instant};

use protocol::broadcast::hash::Hash;
use protocol::broadcast::manifest::{self, ManifestError};
use protocol::broadcast::{Datagram, FileEntry, Layout, Message, Object, Poll, Report};

use super::group::{Group, Key};
use super::loss::Mark;
use super::model::{SenderEvent, Sent, Settings, Transmit};
use super::pace::{Pace, RateVerdict};
use super::polls::Polls;
use super::repair_queue::{Conditions, RepairQueue};

/// The sender of one session.
#[derive(Debug)]
pub struct Sender {
    settings: Settings,
    manifest: Vec<u8>,
    manifest_hash: Hash,
    layout: Layout,
    files: u32,
    hashes: Vec<Hash>,
    group: Group,
    pace: Pace,
    polls: Polls,
    repairs: RepairQueue,
    stage: Stage,
    started: Instant,
    /// The next symbol that was never sent.
    next: (u32, u16),
    sent: Sent,
    /// Data datagrams at the last poll.
    polled: u64,
    /// Of the last poll, to go out at once.
    copies: Vec<Transmit>,
    announced: usize,
    events: VecDeque<SenderEvent>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Receivers are to come.
    Announcing,
    Sending,
    /// The end was said so often, next then.
    Ending(u32, Instant),
    Over,
}

impl Sender {
    /// A sender of these files, at work from `now` on.
    ///
    /// # Errors
    /// [`ManifestError`] if the files cannot be one session.
    pub fn new(
        settings: Settings,
        files: &[FileEntry],
        now: Instant,
    ) -> Result<Self, ManifestError> {
        let manifest = manifest::encode(files)?;
        let length = u32::try_from(manifest.len()).unwrap_or(u32::MAX);
        let layout = Layout::new(settings.symbol_size, length, files)?;
        let files = u32::try_from(files.len()).unwrap_or(u32::MAX);
        let datagram = usize::from(settings.symbol_size) + settings.seal.overhead();
        Ok(Self {
            group: Group::new(settings.expected.clone(), files, now),
            pace: Pace::new(datagram, settings.rate, now),
            manifest_hash: *blake3::hash(&manifest).as_bytes(),
            hashes: Vec::new(),
            polls: Polls::new(now),
            repairs: RepairQueue::default(),
            stage: Stage::Announcing,
            started: now,
            next: (0, 0),
            sent: Sent::default(),
            polled: 0,
            copies: Vec::new(),
            announced: 0,
            events: VecDeque::new(),
            settings,
            files,
            manifest,
            layout,
        })
    }

    /// Takes a datagram that arrived at the sender's own socket.
    pub fn on_datagram(&mut self, now: Instant, from: SocketAddrV4, datagram: &[u8]) {
        let Ok(Datagram {
            session,
            message: Message::Report(report),
        }) = Datagram::decode(datagram, &self.settings.seal)
        else {
            return;
        };
        if session == self.settings.session && self.stage != Stage::Over {
            self.on_report(now, from, &report);
            self.advance(now);
        }
    }

    /// Takes the hash of the next file, which is known once its last block was read.
    pub fn on_hash(&mut self, file: usize, hash: Hash) {
        if file == self.hashes.len() {
            self.group.expect(&hash);
            self.hashes.push(hash);
        }
    }

    /// Gives the session up: what was asked of the machine cannot be done.
    pub fn fail(&mut self, now: Instant, why: &str) {
        if !self.is_closing() {
            self.group.give_up_all(why);
            self.close(now);
        }
    }

    /// Is to be called when [`Self::next_timer`] has come.
    pub fn on_timer(&mut self, now: Instant) {
        if now >= self.deadline() {
            self.fail(now, "the deadline passed");
        }
        if self.is_closing() || now < self.polls.ask_at() {
            return;
        }
        if let Some(polled) = self.polls.last() {
            let round = polled.round;
            self.group.overdue(now, round, self.settings.patience);
            // Where all have answered there is no hurry; where not, polls or answers were lost.
            if (self.group.answered()).is_some_and(|answered| answered < round) {
                self.polls.repeat();
            } else {
                self.polls.take_time();
            }
        }
        self.advance(now);
    }

    /// When [`Self::on_timer`] and [`Self::poll_transmit`] are to be called next, unless a datagram
    /// arrives before; `None` once the session is over.
    pub fn next_timer(&self) -> Option<Instant> {
        let next = match self.stage {
            Stage::Over => return None,
            Stage::Ending(_, at) => return Some(at),
            _ if self.may_send(1) && self.has_work() => self.pace.due().min(self.polls.ask_at()),
            _ => self.polls.ask_at(),
        };
        Some(next.min(self.deadline()))
    }

    /// The next thing to send now, if any; of symbols at most so many.
    pub fn poll_transmit(&mut self, now: Instant, most: usize) -> Option<Transmit> {
        match self.stage {
            Stage::Over => None,
            Stage::Ending(said, at) => (now >= at).then(|| self.end(now, said)),
            Stage::Announcing | Stage::Sending => {
                if let Some(copy) = self.copies.pop() {
                    return Some(copy);
                }
                if self.is_poll_due(now) {
                    return Some(self.poll(now));
                }
                if let Some(symbols) = self.symbols(now, most) {
                    return Some(symbols);
                }
                let blocked = !self.has_work() || !self.may_send(1);
                let untold = self.sent.datagrams - self.polled;
                let tell =
                    untold > 0 && blocked && (untold >= self.interval() / 2 || !self.has_work());
                tell.then(|| self.poll(now))
            }
        }
    }

    /// Returns the next event since the last call.
    pub fn poll_event(&mut self) -> Option<SenderEvent> {
        self.events.pop_front()
    }

    /// The manifest, which blocks are read from like from a file.
    pub fn manifest(&self) -> &[u8] {
        &self.manifest
    }

    /// Which bytes the blocks hold.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Returns its settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// No block below this one is likely to be asked for again.
    pub fn base(&self) -> u32 {
        self.group.base().unwrap_or_default()
    }

    /// Datagrams that went out so far.
    pub fn sent(&self) -> Sent {
        self.sent
    }

    /// Bytes of files that were sent at least once, and of all files.
    pub fn progress(&self) -> (u64, u64) {
        let total = self.layout.bytes();
        let manifest = self.layout.blocks_of(Object::Manifest).end;
        let blocks = u64::from(self.next.0.saturating_sub(manifest));
        let bytes = blocks * protocol::broadcast::layout::BLOCK;
        (bytes.min(total), total)
    }

    fn on_report(&mut self, now: Instant, from: SocketAddrV4, report: &Report) {
        if report.round >= self.polls.next_round() {
            return;
        }
        let sampled = self.polls.since(report.round, now);
        let heard = self.group.heard(now, from, report, sampled);
        let Some(news) = heard else { return };
        if news {
            self.polls.hurry();
        }
        let receiver = (from, report.receiver);
        self.learn(receiver, report);
        let lost = self.group.loses_of(receiver);
        for want in report.wants.iter().filter(|want| want.block < self.next.0) {
            if let Some(block) = self.layout.block(want.block) {
                self.repairs.note(report.round, want, &block, lost);
            }
        }
        for file in self.announced..self.group.proved() as usize {
            self.announce(file);
        }
    }

    /// Learns from a receiver's counts what the way to it is like.
    fn learn(&mut self, receiver: Key, report: &Report) {
        let changed = self.pace.changed();
        let polled = self.polls.get(report.round);
        let polled =
            polled.filter(|polled| polled.round == report.round && polled.round >= changed);
        let Some((polled, path)) = polled.zip(self.group.path(receiver)) else {
            return;
        };
        let mark = Mark {
            sent: polled.datagrams,
            received: report.received,
            clock: report.clock,
        };
        let Some(sample) = path.learn(mark, changed) else {
            return;
        };
        match self.pace.learn(receiver, sample, self.polls.next_round()) {
            RateVerdict::Usual => path.settle(sample.lost),
            RateVerdict::Worse => path.accept(sample.lost),
            RateVerdict::Open => {}
        }
    }

    /// Goes on if what the present stage waits for is there.
    fn advance(&mut self, now: Instant) {
        if let Stage::Ending(..) = self.stage {
            if self.group.left() {
                self.stage = Stage::Over;
            }
            return;
        }
        let nobody_comes = now >= self.group.last_join() + self.settings.patience;
        if self.group.complete() || (self.group.idle() && nobody_comes) {
            self.close(now);
            return;
        }
        let Some((answered, base)) = self.group.answered().zip(self.group.base()) else {
            return;
        };
        if self.stage == Stage::Announcing {
            let manifest = self.layout.blocks_of(Object::Manifest).end;
            let all_know = self.group.assembled() && base >= manifest;
            if all_know || now >= self.started + JOIN_PATIENCE {
                self.stage = Stage::Sending;
            }
        }
        self.repairs.forget_below(base);
        if let Some(polled) = self.polls.get(answered) {
            let first = self.group.first_counts();
            self.pace.taken(polled.datagrams, first);
        }
        let conditions = Conditions {
            datagram: self.datagram_time(now),
            lost: self.group.loses(),
            receivers: self.group.size(),
            round: if self.next.0 < self.fresh_end() {
                Duration::ZERO
            } else {
                self.group.round_trip()
            },
        };
        self.repairs.plan(answered, &self.layout, conditions);
    }

    /// Returns the time that one datagram takes, in the sender and on the link.
    fn datagram_time(&self, now: Instant) -> Duration {
        // As long as little was sent most of the time went by in waiting.
        let most = self.group.round_trip() / LEAST_IN_A_ROUND;
        self.polls.datagram_time(now, self.sent.datagrams).min(most)
    }

    fn is_poll_due(&self, now: Instant) -> bool {
        now >= self.polls.ask_at() || self.sent.datagrams - self.polled >= self.interval()
    }

    /// Data datagrams between two polls. Where polls and answers are lost, too, nobody shall have
    /// missed so many of them in a row that the window is full.
    fn interval(&self) -> u64 {
        let polls = if self.group.loses() < LITTLE { 4 } else { 16 };
        self.window().div_ceil(polls).max(LEAST_INTERVAL)
    }

    fn window(&self) -> u64 {
        self.pace
            .window(self.group.buffer().unwrap_or(LEAST_BUFFER))
    }

    /// Whether so many datagrams more fit the window.
    fn may_send(&self, more: u64) -> bool {
        let taken = match self.group.answered() {
            Some(round) => self.polls.get(round).map_or(0, |polled| polled.datagrams),
            // Nobody is waited for: a window for each question.
            None => self.polled,
        };
        self.sent.datagrams - taken + more <= self.window()
    }

    fn has_work(&self) -> bool {
        self.repairs.is_waiting() || self.next.0 < self.fresh_end()
    }

    /// Blocks from this one on have to wait.
    fn fresh_end(&self) -> u32 {
        let end = match self.stage {
            Stage::Announcing => self.layout.blocks_of(Object::Manifest).end,
            _ => self.layout.blocks(),
        };
        let base = self.group.base().unwrap_or(self.next.0);
        end.min(base + u32::from(OPEN_BLOCKS))
    }

    fn symbols(&mut self, now: Instant, most: usize) -> Option<Transmit> {
        if !self.has_work() || !self.may_send(1) {
            return None;
        }
        let most = u64::try_from(most)
            .unwrap_or(u64::MAX)
            .min(self.window().div_ceil(4));
        let most = usize::try_from(self.pace.allowance(now, most)).unwrap_or(usize::MAX);
        if most == 0 {
            return None;
        }
        let round = self.polls.next_round();
        let repair = self.repairs.next(most, round, &self.layout);
        let repairs = repair.as_ref().map_or(0, |(_, symbols)| symbols.len());
        let (block, symbols) = match repair {
            Some(repair) => repair,
            None => self.fresh(most)?,
        };
        self.sent.datagrams += symbols.len() as u64;
        self.sent.repairs += repairs as u64;
        self.pace.sent(now, symbols.len() as u64);
        Some(Transmit::Symbols { block, symbols })
    }

    fn fresh(&mut self, most: usize) -> Option<(u32, Vec<u16>)> {
        let (number, first) = self.next;
        let source = self.layout.block(number)?.source();
        let most = u16::try_from(most).unwrap_or(u16::MAX);
        let end = source.min(first.saturating_add(most));
        self.next = if end == source {
            (number + 1, 0)
        } else {
            (number, end)
        };
        Some((number, (first..end).collect()))
    }

    fn poll(&mut self, now: Instant) -> Transmit {
        let copies = self.poll_copies();
        let round_trip = self.group.round_trip();
        let round = self.polls.sent(now, self.sent.datagrams, round_trip);
        self.polled = self.sent.datagrams;
        self.group.polled(now);
        let poll = self.datagram(Message::Poll(Poll {
            round,
            upto: self.next.0,
            symbol_size: self.settings.symbol_size,
            open: OPEN_BLOCKS,
            manifest_length: u32::try_from(self.manifest.len()).unwrap_or(u32::MAX),
            manifest_hash: self.manifest_hash,
        }));
        self.copies = vec![poll.clone(); copies - 1];
        poll
    }

    /// In how many copies the next poll is to go out.
    fn poll_copies(&self) -> usize {
        if !self.has_work() || !self.may_send(1) {
            // Nothing is known of loss before the first answers.
            let least = if self.polls.repeats() { REPEATED } else { 1 };
            self.group.copies().max(least)
        } else if self.group.loses() < LITTLE {
            1
        } else {
            2
        }
    }

    fn end(&mut self, now: Instant, said: u32) -> Transmit {
        self.stage = if said < ENDS {
            let wait = (self.group.round_trip() * 2).clamp(LEAST_WAIT, MOST_WAIT);
            Stage::Ending(said + 1, now + wait * (1 << said))
        } else {
            Stage::Over
        };
        self.datagram(Message::End)
    }

    fn datagram(&self, message: Message<'_>) -> Transmit {
        let session = self.settings.session;
        let room = self.settings.symbol_size.into();
        Transmit::Datagram(Datagram { session, message }.encode(&self.settings.seal, room))
    }

    fn announce(&mut self, file: usize) {
        if let Some(&hash) = self.hashes.get(file) {
            self.announced = file + 1;
            self.events.push_back(SenderEvent::Proved(file, hash));
        }
    }

    fn close(&mut self, now: Instant) {
        let lost = self.group.lost();
        if lost.is_empty() {
            for file in self.announced..self.files as usize {
                self.announce(file);
            }
        }
        self.events.push_back(SenderEvent::Ended(lost));
        self.stage = Stage::Ending(0, now);
    }

    fn is_closing(&self) -> bool {
        matches!(self.stage, Stage::Ending(..) | Stage::Over)
    }

    fn deadline(&self) -> Instant {
        self.started + self.settings.deadline
    }
}

/// Receivers that come later than this find the transfer begun.
const JOIN_PATIENCE: Duration = Duration::from_secs(1);
/// Incomplete blocks that a receiver is asked to keep: so many mebibytes at both ends.
const OPEN_BLOCKS: u16 = 16;
/// A receive buffer to begin with, in bytes.
const LEAST_BUFFER: u32 = 64 << 10;
/// Datagrams that pass any link within a round trip.
const LEAST_IN_A_ROUND: u32 = 16;
/// The end is repeated after twice the round trip, but within these limits, and then ever later.
const LEAST_WAIT: Duration = Duration::from_millis(2);
const MOST_WAIT: Duration = Duration::from_millis(100);
/// Fewer datagrams between two polls make the polls outweigh them.
const LEAST_INTERVAL: u64 = 4;
/// Copies of a poll that somebody left unanswered.
const REPEATED: usize = 3;
/// A share of lost datagrams that hinders nothing.
const LITTLE: f64 = 0.01;
/// Number of times the end is repeated while its acknowledgement is missing.
const ENDS: u32 = 6;
