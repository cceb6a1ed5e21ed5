//! The receivers as their sender knows them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use protocol::datagram::{Report, State};

/// Whom the sender waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// This many receivers, whoever they are.
    Count(usize),
    /// A receiver at each of these addresses; others are ignored.
    Addresses(BTreeSet<Ipv4Addr>),
}

/// The receivers of a session.
#[derive(Debug)]
pub(super) struct Group {
    expected: Expected,
    peers: BTreeMap<Key, Peer>,
    /// What proves the first *n* files, for every *n*.
    proofs: Vec<[u8; 32]>,
    /// How many files there are.
    files: u32,
    /// When the last receiver that was new was heard, or the session's start.
    last_join: Instant,
}

/// A receiver: its address, and the number that tells it from others there.
type Key = (SocketAddrV4, u32);

#[derive(Debug)]
struct Peer {
    /// The last round that it answered.
    answered: u32,
    /// It missed an answer: nobody waits for it until it is heard again.
    lagging: bool,
    /// When the first poll went out that it has left unanswered.
    silent_since: Option<Instant>,
    /// Its receive buffer in bytes.
    buffer: u32,
    /// Smoothed time from poll to answer.
    round_trip: Duration,
    /// Files that it has proved.
    proved: u32,
    /// It acknowledged the end.
    left: bool,
    /// Why it was given up.
    lost: Option<String>,
}

impl Group {
    /// A group of which nobody has been heard; `proofs[n]` is what proves the first `n` files.
    pub(super) fn new(expected: Expected, proofs: Vec<[u8; 32]>, now: Instant) -> Self {
        let files = u32::try_from(proofs.len().saturating_sub(1)).unwrap_or(u32::MAX);
        Self {
            expected,
            peers: BTreeMap::new(),
            proofs,
            files,
            last_join: now,
        }
    }

    /// Takes note of a report and says whether it is from a receiver that takes part.
    ///
    /// `sampled` is the time since the poll that it answers, where that is known.
    pub(super) fn heard(
        &mut self,
        now: Instant,
        from: SocketAddrV4,
        report: &Report,
        sampled: Option<Duration>,
    ) -> bool {
        if matches!(&self.expected, Expected::Addresses(all) if !all.contains(from.ip())) {
            return false;
        }
        let key = (from, report.receiver);
        if !self.peers.contains_key(&key) {
            if self.peers.len() >= MAX_PEERS {
                return false;
            }
            self.last_join = now;
        }
        let proven = self.proofs.get(report.proved as usize) == Some(&report.proof);
        let peer = self.peers.entry(key).or_insert_with(|| Peer::new(report));
        peer.answered = peer.answered.max(report.round);
        peer.lagging = false;
        peer.silent_since = None;
        peer.buffer = report.buffer;
        if let Some(sample) = sampled {
            peer.round_trip = (peer.round_trip + sample) / 2;
        }
        if proven {
            peer.proved = peer.proved.max(report.proved);
        }
        match report.state {
            State::Receiving => {}
            State::Leaving => peer.left = true,
            State::Failed => peer.lost = Some("it reported that it could not go on".into()),
        }
        peer.lost.is_none()
    }

    /// A poll went out: from now on whoever does not answer is silent.
    pub(super) fn polled(&mut self, now: Instant) {
        for peer in self.peers.values_mut() {
            peer.silent_since.get_or_insert(now);
        }
    }

    /// Gives up those that were silent for as long as `patience`.
    pub(super) fn give_up_silent(&mut self, now: Instant, patience: Duration) {
        let files = self.files;
        for peer in self.unfinished_mut(files) {
            if peer
                .silent_since
                .is_some_and(|since| now - since >= patience)
            {
                peer.lost = Some(format!(
                    "not heard for {} s, with {} of {files} files proved",
                    patience.as_secs_f32(),
                    peer.proved
                ));
            }
        }
    }

    /// Gives up all that have not proved everything.
    pub(super) fn give_up_all(&mut self, why: &str) {
        let files = self.files;
        for peer in self.unfinished_mut(files) {
            peer.lost = Some(format!(
                "{why}, with {} of {files} files proved",
                peer.proved
            ));
        }
    }

    /// Marks those that have not answered the round; nobody waits for them until they are heard.
    pub(super) fn mark_lagging(&mut self, round: u32) {
        for peer in self.peers.values_mut() {
            peer.lagging = peer.answered < round;
        }
    }

    /// Whether as many receivers as expected have been heard.
    pub(super) fn assembled(&self) -> bool {
        self.absent() == 0
    }

    /// Whether nobody is left to send to, though perhaps to wait for.
    pub(super) fn idle(&self) -> bool {
        self.unfinished().next().is_none()
    }

    /// Whether all of those expected have proved all files.
    pub(super) fn complete(&self) -> bool {
        self.idle() && self.wanting() == 0
    }

    /// Whether all that need not be waited for have answered the round, and at least one did.
    pub(super) fn answered(&self, round: u32) -> bool {
        let mut waited_for = self.unfinished().filter(|peer| !peer.lagging).peekable();
        waited_for.peek().is_some() && waited_for.all(|peer| peer.answered >= round)
    }

    /// Files that everyone expected has proved.
    pub(super) fn proved(&self) -> u32 {
        if !self.assembled() || self.peers.values().any(|peer| peer.lost.is_some()) {
            return 0;
        }
        self.peers
            .values()
            .map(|peer| peer.proved)
            .min()
            .unwrap_or_default()
    }

    /// Whether all that finished have acknowledged the end.
    pub(super) fn left(&self) -> bool {
        self.peers
            .values()
            .all(|peer| peer.left || peer.lost.is_some())
    }

    /// The smallest receive buffer among those to send to, in bytes.
    pub(super) fn buffer(&self) -> u32 {
        self.unfinished()
            .map(|peer| peer.buffer)
            .min()
            .unwrap_or_default()
    }

    /// The longest smoothed round trip among those to send to.
    pub(super) fn round_trip(&self) -> Duration {
        self.unfinished()
            .map(|peer| peer.round_trip)
            .max()
            .unwrap_or_default()
    }

    /// When a receiver was heard for the first time, last, or the session's start.
    pub(super) fn last_join(&self) -> Instant {
        self.last_join
    }

    /// The receivers that did not get everything, and why; empty if all expected did.
    pub(super) fn lost(&self) -> Vec<(String, String)> {
        if self.wanting() == 0 {
            return Vec::new();
        }
        let gone = |(&(address, _), peer): (&Key, &Peer)| {
            peer.lost.clone().map(|why| (address.ip().to_string(), why))
        };
        let mut lost: Vec<_> = self.peers.iter().filter_map(gone).collect();
        match &self.expected {
            Expected::Count(_) if self.absent() > 0 => {
                let reason = format!("{} of those expected never answered", self.absent());
                lost.push(("unknown".into(), reason));
            }
            Expected::Count(_) => {}
            Expected::Addresses(all) => {
                let absent = all.iter().filter(|&&address| !self.knows(address));
                lost.extend(absent.map(|a| (a.to_string(), "it never answered".into())));
            }
        }
        lost
    }

    fn unfinished(&self) -> impl Iterator<Item = &Peer> {
        let files = self.files;
        self.peers
            .values()
            .filter(move |peer| peer.unfinished(files))
    }

    fn unfinished_mut(&mut self, files: u32) -> impl Iterator<Item = &mut Peer> {
        self.peers
            .values_mut()
            .filter(move |peer| peer.unfinished(files))
    }

    fn knows(&self, address: Ipv4Addr) -> bool {
        self.peers.keys().any(|(from, _)| *from.ip() == address)
    }

    /// How many of those expected were never heard.
    fn absent(&self) -> usize {
        match &self.expected {
            Expected::Count(count) => count.saturating_sub(self.peers.len()),
            Expected::Addresses(all) => all.iter().filter(|&&a| !self.knows(a)).count(),
        }
    }

    /// How many of those expected have not proved everything.
    fn wanting(&self) -> usize {
        let done = self
            .peers
            .iter()
            .filter(|(_, peer)| peer.proved >= self.files);
        match &self.expected {
            Expected::Count(count) => {
                // Nothing is proved by having no files; even then they must have been heard.
                count.saturating_sub(done.count())
            }
            Expected::Addresses(all) => {
                let addresses: BTreeSet<_> = done.map(|((from, _), _)| *from.ip()).collect();
                all.difference(&addresses).count()
            }
        }
    }
}

impl Peer {
    fn new(report: &Report) -> Self {
        Self {
            answered: report.round,
            lagging: false,
            silent_since: None,
            buffer: report.buffer,
            round_trip: Duration::ZERO,
            proved: 0,
            left: false,
            lost: None,
        }
    }

    fn unfinished(&self, files: u32) -> bool {
        self.lost.is_none() && self.proved < files
    }
}

/// More receivers than an Ethernet segment of one lab holds; a bound for what strangers can claim.
const MAX_PEERS: usize = 8192;
