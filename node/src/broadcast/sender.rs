//! The sending side of a broadcast as a state machine: no sockets, no clock.
//!
//! It polls until the expected receivers are there, then alternates a burst of blocks (first what was
//! reported missing, then what nobody has seen) with a poll, until every receiver has proved every
//! file. A receiver that answers late holds nobody up; one that stays silent is given up and named.

use std::collections::VecDeque;
use std::net::SocketAddrV4;
use std::time::{Duration, Instant};

use protocol::datagram::{Datagram, Message, Poll, Report};
use protocol::manifest::{self, FileEntry, Layout, ManifestError};
use protocol::role::{FileRecord, RoleEvent, Summary};
use sha2::{Digest, Sha256};

use super::group::{Expected, Group};
use super::pace::Pace;
use super::proof;
use super::ranges::Ranges;
use super::round::Round;

/// How a session is to be sent.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The session's number; random, so that no stale datagram fits.
    pub session: u32,
    /// Bytes of a full block.
    pub block_size: u16,
    /// Whom to wait for.
    pub expected: Expected,
    /// A receiver that is silent for so long is given up.
    pub patience: Duration,
    /// All that are not done by then are given up.
    pub deadline: Duration,
    /// Bytes of data a second; `None` is as fast as receivers answer.
    pub rate: Option<u64>,
}

/// What the sender wants on the wire, to all receivers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transmit {
    /// A whole datagram.
    Datagram(Vec<u8>),
    /// The datagram of a block, whose bytes are to be read from a file.
    Block {
        /// The block's number.
        block: u32,
        /// The file's number.
        file: usize,
        /// Offset of its first byte.
        offset: u64,
        /// How many bytes.
        length: u16,
    },
}

/// The sender of one session.
#[derive(Debug)]
pub struct Sender {
    settings: Settings,
    files: Vec<FileEntry>,
    manifest: Vec<u8>,
    manifest_sha256: [u8; 32],
    layout: Layout,
    group: Group,
    pace: Pace,
    stage: Stage,
    started: Instant,
    round: Round,
    /// Blocks below this one were sent at least once.
    upto: u32,
    /// Blocks that somebody reported missing.
    repair: Ranges,
    announced: u32,
    summary: Summary,
    events: VecDeque<RoleEvent>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// So many more blocks, then a poll.
    Burst(u32),
    /// A poll is to go out, the so-manieth of its round.
    Poll(u32),
    /// Answers to the so-manieth poll are awaited.
    Await(u32, Instant),
    /// The so-manieth end is to go out.
    End(u32),
    /// Acknowledgements of the so-manieth end are awaited.
    Close(u32, Instant),
    Over,
}

impl Sender {
    /// A sender of these files, at work from `now` on.
    ///
    /// # Errors
    /// [`ManifestError`] if the files cannot be one session.
    pub fn new(
        settings: Settings,
        files: Vec<FileEntry>,
        now: Instant,
    ) -> Result<Self, ManifestError> {
        let manifest = manifest::encode(&files)?;
        let length = u32::try_from(manifest.len()).unwrap_or(u32::MAX);
        let layout = Layout::new(settings.block_size, length, &files)?;
        let mut proofs = vec![proof::NOTHING];
        proofs.extend(files.iter().scan(proof::NOTHING, |last, file| {
            *last = proof::extend(last, &file.sha256);
            Some(*last)
        }));
        Ok(Self {
            group: Group::new(settings.expected.clone(), proofs, now),
            pace: Pace::new(settings.block_size, settings.rate, now),
            manifest_sha256: Sha256::digest(&manifest).into(),
            summary: Summary {
                bytes: layout.bytes(),
                ..Summary::default()
            },
            stage: Stage::Poll(0),
            started: now,
            round: Round::default(),
            upto: 0,
            repair: Ranges::default(),
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
        }) = Datagram::decode(datagram)
        else {
            return;
        };
        if session == self.settings.session && self.stage != Stage::Over {
            self.on_report(now, from, &report);
            self.advance(now);
        }
    }

    /// Is to be called when [`Self::next_timer`] has come.
    pub fn on_timer(&mut self, now: Instant) {
        if now >= self.deadline() && !self.closing() {
            self.group.give_up_all("the deadline passed");
            self.close(now);
            return;
        }
        match self.stage {
            Stage::Await(tries, until) if now >= until => {
                self.group.give_up_silent(now, self.settings.patience);
                self.group.mark_lagging(self.round.number());
                self.stage = Stage::Poll(tries.saturating_add(1));
                self.advance(now);
            }
            Stage::Close(tries, until) if now >= until => {
                self.stage = if tries < ENDS {
                    Stage::End(tries + 1)
                } else {
                    Stage::Over
                };
            }
            _ => {}
        }
    }

    /// When [`Self::on_timer`] and [`Self::poll_transmit`] are to be called next, unless a datagram
    /// arrives before; `None` once the session is over.
    pub fn next_timer(&self, now: Instant) -> Option<Instant> {
        let deadline = self.deadline();
        match self.stage {
            Stage::Await(_, until) => Some(until.min(deadline)),
            Stage::Close(_, until) => Some(until),
            Stage::Burst(_) => Some(self.pace.wait(now).unwrap_or(now).min(deadline)),
            Stage::Poll(_) | Stage::End(_) => Some(now),
            Stage::Over => None,
        }
    }

    /// The next thing to send now, if any.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Transmit> {
        match self.stage {
            Stage::Burst(_) if self.pace.wait(now).is_some() => None,
            Stage::Burst(left) => match self.next_block(left) {
                Some(block) => {
                    self.stage = Stage::Burst(left - 1);
                    self.block(now, block)
                }
                None => Some(self.poll(now, 0)),
            },
            Stage::Poll(tries) => Some(self.poll(now, tries)),
            Stage::End(tries) => {
                self.stage = Stage::Close(tries, now + self.patience_for_answers(tries));
                Some(self.datagram(Message::End))
            }
            Stage::Await(..) | Stage::Close(..) | Stage::Over => None,
        }
    }

    /// What happened since the last call.
    pub fn poll_event(&mut self) -> Option<RoleEvent> {
        self.events.pop_front()
    }

    /// Bytes of files that were sent at least once, and of all files.
    pub fn progress(&self) -> (u64, u64) {
        let sent = u64::from(self.upto.saturating_sub(self.layout.manifest().end));
        let total = self.summary.bytes;
        (
            (sent * u64::from(self.settings.block_size)).min(total),
            total,
        )
    }

    fn on_report(&mut self, now: Instant, from: SocketAddrV4, report: &Report) {
        let sampled = self.round.since_poll(report.round, now);
        if !self.group.heard(now, from, report, sampled) {
            return;
        }
        let mut lost = 0;
        for range in &report.missing {
            let range = range.start..range.end.min(self.upto);
            lost += range
                .end
                .saturating_sub(range.start.max(self.round.fresh()));
            self.repair.insert(range);
        }
        self.round.lacking(report.round, lost);
        for file in self.announced..self.group.proved() {
            self.announce(now, file);
        }
    }

    /// Goes on to the next stage if what the present one waits for is there.
    fn advance(&mut self, now: Instant) {
        if let Stage::Close(..) | Stage::End(_) = self.stage {
            if self.group.left() {
                self.stage = Stage::Over;
            }
            return;
        }
        let awaited = match self.stage {
            Stage::Await(..) => true,
            Stage::Poll(tries) => tries > 0,
            _ => false,
        };
        let nobody_comes = now >= self.group.last_join() + self.settings.patience;
        if self.group.complete() || (self.group.idle() && nobody_comes) {
            self.close(now);
        } else if awaited && self.may_burst(now) {
            self.burst();
        }
    }

    /// Whether it is time for the next blocks. They wait a little for receivers that are still to
    /// come, for what is sent without them has to be sent again.
    fn may_burst(&self, now: Instant) -> bool {
        if self.upto == 0 {
            return !self.group.idle()
                && (self.group.assembled() || now >= self.started + JOIN_PATIENCE);
        }
        // With nothing left to send, proofs are asked for at the timer's pace.
        let nothing_left = self.repair.is_empty() && self.upto >= self.layout.blocks();
        let idle = nothing_left && matches!(self.stage, Stage::Await(..));
        !idle && self.group.answered(self.round.number())
    }

    fn burst(&mut self) {
        self.pace
            .learn(self.upto - self.round.fresh(), self.round.lost());
        self.round.next(self.upto);
        self.stage = Stage::Burst(self.pace.window(self.group.buffer()));
    }

    fn next_block(&mut self, left: u32) -> Option<u32> {
        if left == 0 {
            return None;
        }
        if let Some(block) = self.repair.pop_first() {
            self.summary.repeated += 1;
            return Some(block);
        }
        let block = self.upto;
        if block >= self.layout.blocks() {
            return None;
        }
        self.upto += 1;
        Some(block)
    }

    fn block(&mut self, now: Instant, block: u32) -> Option<Transmit> {
        let place = self.layout.place(block)?;
        self.pace.sent(now, place.length);
        self.summary.datagrams += 1;
        if let Some(file) = place.file {
            return Some(Transmit::Block {
                block,
                file,
                offset: place.offset,
                length: place.length,
            });
        }
        let start = usize::try_from(place.offset).ok()?;
        let bytes = self
            .manifest
            .get(start..start + usize::from(place.length))?;
        Some(self.datagram(Message::Data { block, bytes }))
    }

    fn poll(&mut self, now: Instant, tries: u32) -> Transmit {
        self.round.polled(now);
        self.group.polled(now);
        self.stage = Stage::Await(tries, now + self.patience_for_answers(tries));
        self.datagram(Message::Poll(Poll {
            round: self.round.number(),
            upto: self.upto,
            block_size: self.settings.block_size,
            manifest_length: u32::try_from(self.manifest.len()).unwrap_or(u32::MAX),
            manifest_sha256: self.manifest_sha256,
        }))
    }

    /// How long to wait for answers to the so-manieth poll or end.
    fn patience_for_answers(&self, tries: u32) -> Duration {
        let first = self.group.round_trip() * 2 + LEAST_WAIT;
        (first * (1 << tries.min(8))).min(MOST_WAIT)
    }

    fn datagram(&self, message: Message<'_>) -> Transmit {
        Transmit::Datagram(
            Datagram {
                session: self.settings.session,
                message,
            }
            .encode(),
        )
    }

    fn announce(&mut self, now: Instant, number: u32) {
        let Some(file) = self.files.get(number as usize) else {
            return;
        };
        self.announced = number + 1;
        self.events.push_back(RoleEvent::Sent(FileRecord {
            name: file.name.clone(),
            bytes: file.length,
            sha256: proof::hexadecimal(&file.sha256),
            seconds: (now - self.started).as_secs_f64(),
        }));
    }

    fn close(&mut self, now: Instant) {
        self.summary.seconds = (now - self.started).as_secs_f64();
        let lost = self.group.lost();
        if lost.is_empty() {
            for file in self.announced..u32::try_from(self.files.len()).unwrap_or(u32::MAX) {
                self.announce(now, file);
            }
            self.events
                .push_back(RoleEvent::Finished(self.summary.clone()));
        } else {
            let names: Vec<_> = lost.iter().map(|(receiver, _)| receiver.as_str()).collect();
            let reason = format!("not everything was proved by: {}", names.join(", "));
            self.events.extend(
                lost.iter()
                    .cloned()
                    .map(|(receiver, reason)| RoleEvent::Lost { receiver, reason }),
            );
            self.events.push_back(RoleEvent::Failed { reason });
        }
        self.stage = Stage::End(0);
    }

    fn closing(&self) -> bool {
        matches!(self.stage, Stage::End(_) | Stage::Close(..) | Stage::Over)
    }

    fn deadline(&self) -> Instant {
        self.started + self.settings.deadline
    }
}

/// Receivers that come later than this find the transfer begun.
const JOIN_PATIENCE: Duration = Duration::from_secs(1);
/// How long answers may take beyond twice the round trip: a receiver may be reading its files back.
const LEAST_WAIT: Duration = Duration::from_millis(5);
/// A question is repeated at least so often.
const MOST_WAIT: Duration = Duration::from_millis(250);
/// How often the end is repeated where its acknowledgement is missing.
const ENDS: u32 = 5;
