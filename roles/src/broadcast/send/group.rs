//! The receivers as their sender knows them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use protocol::broadcast::Report;
use protocol::broadcast::hash::{self, Hash};

use super::loss::{Counts, PathEstimate};
use super::peer::Peer;

/// The receivers that the sender waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// This many receivers, whoever they are.
    Count(usize),
    /// A receiver at each of these addresses; others are ignored.
    Addresses(BTreeSet<Ipv4Addr>),
}

/// A receiver that did not get everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Its address, or `unknown`.
    pub receiver: String,
    /// Why.
    pub reason: String,
}

/// The receivers of a session.
#[derive(Debug)]
pub(super) struct Group {
    expected: Expected,
    peers: BTreeMap<Key, Peer>,
    /// The number of files.
    files: u32,
    /// The proof of the first files, for every number of files whose hashes are known.
    proofs: Vec<Hash>,
    /// When the last receiver that was new was heard, or the session's start.
    last_join: Instant,
}

/// A receiver: its address, and the number that tells it from others there.
pub(super) type Key = (SocketAddrV4, u32);

impl Group {
    /// A group of which nobody has been heard.
    pub(super) fn new(expected: Expected, files: u32, now: Instant) -> Self {
        Self {
            expected,
            peers: BTreeMap::new(),
            files,
            proofs: vec![hash::NOTHING_PROVED],
            last_join: now,
        }
    }

    /// The hash of the next file is known.
    pub(super) fn expect(&mut self, file: &Hash) {
        let last = self.proofs.last().unwrap_or(&hash::NOTHING_PROVED);
        self.proofs.push(hash::extend_proof(last, file));
    }

    /// Takes note of a report and says whether it is news, unless its sender does not take part.
    /// `sampled` is the time since the poll that it answers, where that is known.
    pub(super) fn heard(
        &mut self,
        now: Instant,
        from: SocketAddrV4,
        report: &Report,
        sampled: Option<Duration>,
    ) -> Option<bool> {
        if matches!(&self.expected, Expected::Addresses(all) if !all.contains(from.ip())) {
            return None;
        }
        let key = (from, report.receiver);
        let is_new = !self.peers.contains_key(&key);
        if is_new {
            if self.peers.len() >= MAX_PEERS {
                return None;
            }
            self.last_join = now;
        }
        let peer = self.peers.entry(key).or_insert_with(|| Peer::new(now));
        let news = peer.heard(now, report, sampled);
        if self.proofs.get(report.proved as usize) == Some(&report.proof) {
            peer.proved = peer.proved.max(report.proved);
        }
        peer.lost.is_none().then_some(news || is_new)
    }

    /// The way to a receiver.
    pub(super) fn path(&mut self, receiver: Key) -> Option<&mut PathEstimate> {
        self.peers.get_mut(&receiver).map(|peer| &mut peer.path)
    }

    /// A poll went out.
    pub(super) fn polled(&mut self, now: Instant) {
        self.peers.values_mut().for_each(|peer| peer.polled(now));
    }

    /// The time for answers to the round is over. Whoever leaves several in a row unanswered is not
    /// waited for any more; whoever was silent for as long as `patience` is given up.
    pub(super) fn overdue(&mut self, now: Instant, round: u32, patience: Duration) {
        let files = self.files;
        self.forget_restarted();
        for peer in self.unfinished_mut() {
            peer.overdue(now, round);
            if peer.is_silent_for(now, patience) {
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
        for peer in self.unfinished_mut() {
            peer.lost = Some(format!(
                "{why}, with {} of {files} files proved",
                peer.proved
            ));
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

    /// The last round that all have answered who are waited for; `None` if nobody is.
    pub(super) fn answered(&self) -> Option<u32> {
        self.waited_for().map(Peer::answered).min()
    }

    /// All who are waited for have the blocks below this one; `None` if nobody is.
    pub(super) fn base(&self) -> Option<u32> {
        self.waited_for().map(|peer| peer.base).min()
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
    pub(super) fn buffer(&self) -> Option<u32> {
        self.unfinished().map(|peer| peer.buffer).min()
    }

    /// The longest smoothed round trip among those to send to.
    pub(super) fn round_trip(&self) -> Duration {
        self.waited_for()
            .map(|peer| peer.round_trip)
            .max()
            .unwrap_or_default()
    }

    /// The largest share that any of those to send to loses.
    pub(super) fn loses(&self) -> f64 {
        let shares = self.waited_for().filter_map(|peer| peer.path.share());
        shares.fold(self.first_counts().lost(), f64::max)
    }

    /// The share that a receiver loses; as long as too little was sent to it, what others lose of whom
    /// that is so, too.
    pub(super) fn loses_of(&self, receiver: Key) -> f64 {
        let share = self.peers.get(&receiver).and_then(|peer| peer.path.share());
        share.unwrap_or_else(|| self.first_counts().lost())
    }

    /// Counts the datagrams that were sent and that arrived, over all receivers to whom little has been sent
    /// so far.
    pub(super) fn first_counts(&self) -> Counts {
        let first = self.waited_for().filter(|peer| peer.path.share().is_none());
        first.map(|peer| peer.path.counts()).sum()
    }

    /// Returns how many receivers are waited for.
    pub(super) fn size(&self) -> usize {
        self.waited_for().count()
    }

    /// In how many copies a poll is to go out so that everybody who is waited for probably answers one.
    pub(super) fn copies(&self) -> usize {
        let silent = 1.0 - (1.0 - self.loses()).powi(2);
        let peers = u32::try_from(self.size()).unwrap_or(u32::MAX);
        let unlikely = UNLIKELY / f64::from(peers.max(1));
        (1..MOST_COPIES)
            .find(|&copies| silent.powf(f64::from(copies)) <= unlikely)
            .and_then(|copies| usize::try_from(copies).ok())
            .unwrap_or(MOST_COPIES as usize)
    }

    /// When a receiver was heard for the first time, last, or the session's start.
    pub(super) fn last_join(&self) -> Instant {
        self.last_join
    }

    /// The receivers that did not get everything, and why; empty if all expected did.
    pub(super) fn lost(&self) -> Vec<Lost> {
        if self.wanting() == 0 {
            return Vec::new();
        }
        let gone = |(&(address, _), peer): (&Key, &Peer)| {
            let reason = peer.lost.clone()?;
            let receiver = address.ip().to_string();
            Some(Lost { receiver, reason })
        };
        let mut lost: Vec<_> = self.peers.iter().filter_map(gone).collect();
        match &self.expected {
            Expected::Count(_) if self.absent() > 0 => lost.push(Lost {
                receiver: "unknown".into(),
                reason: format!("{} of those expected never answered", self.absent()),
            }),
            Expected::Count(_) => {}
            Expected::Addresses(all) => {
                let absent = all.iter().filter(|&&address| !self.knows(address));
                lost.extend(absent.map(|address| Lost {
                    receiver: address.to_string(),
                    reason: "it never answered".into(),
                }));
            }
        }
        lost
    }

    /// Forgets receivers in whose place, it seems, there are new ones.
    fn forget_restarted(&mut self) {
        let files = self.files;
        let succeeded = |(&(address, _), peer): (&Key, &Peer)| {
            let mut there = self.peers.range((address, 0)..=(address, u32::MAX));
            peer.is_unfinished(files) && there.any(|(_, other)| peer.is_succeeded_by(other))
        };
        let gone: Vec<Key> = self
            .peers
            .iter()
            .filter(|&(key, peer)| succeeded((key, peer)))
            .map(|(&key, _)| key)
            .collect();
        for key in gone {
            self.peers.remove(&key);
        }
    }

    fn unfinished(&self) -> impl Iterator<Item = &Peer> {
        let files = self.files;
        let peers = self.peers.values();
        peers.filter(move |peer| peer.is_unfinished(files))
    }

    fn unfinished_mut(&mut self) -> impl Iterator<Item = &mut Peer> {
        let files = self.files;
        let peers = self.peers.values_mut();
        peers.filter(move |peer| peer.is_unfinished(files))
    }

    fn waited_for(&self) -> impl Iterator<Item = &Peer> {
        self.unfinished().filter(|peer| !peer.is_lagging())
    }

    fn knows(&self, address: Ipv4Addr) -> bool {
        self.peers.keys().any(|(from, _)| *from.ip() == address)
    }

    /// Returns how many expected receivers were never heard.
    fn absent(&self) -> usize {
        match &self.expected {
            Expected::Count(count) => count.saturating_sub(self.peers.len()),
            Expected::Addresses(all) => all.iter().filter(|&&a| !self.knows(a)).count(),
        }
    }

    /// Returns how many expected receivers have not proved everything.
    fn wanting(&self) -> usize {
        let done = self
            .peers
            .iter()
            .filter(|(_, peer)| peer.proved >= self.files);
        match &self.expected {
            // Nothing is proved by having no files; even then they must have been heard.
            Expected::Count(count) => count.saturating_sub(done.count()),
            Expected::Addresses(all) => {
                let addresses: BTreeSet<_> = done.map(|((from, _), _)| *from.ip()).collect();
                all.difference(&addresses).count()
            }
        }
    }
}

/// That a poll is answered by all is to be likelier than that it is not by this factor.
const UNLIKELY: f64 = 0.02;
/// Copies of a poll, at most.
const MOST_COPIES: u32 = 12;
/// More receivers than an Ethernet segment of one lab holds; a bound for what strangers can claim.
const MAX_PEERS: usize = 8192;
