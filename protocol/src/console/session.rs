//! A session over a console, without terminal or clock: which line is said next, and what a line means.
//!
//! Time comes in ticks of a second.

use std::collections::VecDeque;

use super::line::{Kind, Line, MAX_BYTES, Side};

/// One end of a session that has begun.
#[derive(Debug)]
pub struct Session {
    side: Side,
    number: u64,
    /// The lines that the other end may still ask for; the first has number `oldest`.
    kept: VecDeque<Vec<u8>>,
    oldest: u32,
    /// The number that is said next, within or just after what is kept.
    next: u32,
    /// The number that is awaited.
    expected: u32,
    /// Lines that came since the other end was last told so.
    unacknowledged: u32,
    /// The number that was last asked for.
    asked: Option<u32>,
    due: Due,
    /// Ticks since something was said.
    quiet: u32,
    /// Ticks since the other end was heard.
    unheard: u32,
}

/// The lines to be sent besides data.
#[derive(Debug, Default)]
struct Due {
    welcome: bool,
    again: bool,
    beat: bool,
}

impl Session {
    /// A session of this number. On the node's side, a welcome is its first line.
    pub fn new(side: Side, number: u64) -> Self {
        Self {
            side,
            number,
            kept: VecDeque::new(),
            oldest: 0,
            next: 0,
            expected: 0,
            unacknowledged: 0,
            asked: None,
            due: Due {
                welcome: side == Side::Node,
                ..Due::default()
            },
            quiet: 0,
            unheard: 0,
        }
    }

    /// Its number.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Returns how many bytes [`Self::send`] may be given now.
    pub fn room(&self) -> usize {
        WINDOW.saturating_sub(self.kept.len()) * MAX_BYTES
    }

    /// Takes bytes of the stream to be said.
    pub fn send(&mut self, bytes: &[u8]) {
        self.kept
            .extend(bytes.chunks(MAX_BYTES).map(<[u8]>::to_vec));
    }

    /// Takes in a line of the other end that belongs to this session, and returns the bytes of the stream in it.
    pub fn receive(&mut self, line: Line) -> Option<Vec<u8>> {
        self.unheard = 0;
        self.release(line.expected);
        match line.kind {
            Kind::Hello => self.due.welcome = true,
            Kind::Again => self.next = self.oldest,
            Kind::Beat if line.sequence > self.expected => self.due.again = true,
            Kind::Data if line.sequence == self.expected => {
                self.expected += 1;
                self.unacknowledged += 1;
                return Some(line.bytes);
            }
            Kind::Data if line.sequence > self.expected => self.ask(),
            // It comes again because it was not known here that it had come.
            Kind::Data => self.unacknowledged += 1,
            Kind::Ready | Kind::Welcome | Kind::Beat | Kind::Bye => {}
        }
        None
    }

    /// Takes in that a line came which cannot be read.
    pub fn receive_damaged(&mut self) {
        self.ask();
    }

    /// A second has passed. Returns whether the other end can be taken for gone.
    #[must_use]
    pub fn tick(&mut self) -> bool {
        self.quiet += 1;
        self.unheard += 1;
        self.due.beat = !self.kept.is_empty() || self.unacknowledged > 0 || self.quiet >= BEAT;
        self.unheard >= SILENCE
    }

    /// Whether there is something to say.
    pub fn has_lines(&self) -> bool {
        let due = &self.due;
        let untold = self.unacknowledged >= ACKNOWLEDGE;
        due.welcome || due.again || due.beat || untold || self.unsaid().is_some()
    }

    /// Appends the lines that are said next, one at least if there is any, to `out`.
    pub fn say(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.due.welcome) {
            Line::greeting(Kind::Welcome, self.number).encode(self.side, out);
        }
        if std::mem::take(&mut self.due.again) {
            self.asked = Some(self.expected);
            self.line(Kind::Again, Vec::new()).encode(self.side, out);
        }
        let beat = std::mem::take(&mut self.due.beat);
        if self.unsaid().is_none() && (beat || self.unacknowledged >= ACKNOWLEDGE) {
            self.line(Kind::Beat, Vec::new()).encode(self.side, out);
        }
        while out.len() < BATCH
            && let Some(bytes) = self.unsaid().cloned()
        {
            self.line(Kind::Data, bytes).encode(self.side, out);
            self.next += 1;
        }
    }

    /// The line that ends the session.
    pub fn bye(&self) -> Vec<u8> {
        let mut out = Vec::new();
        Line::bare(Kind::Bye, self.number).encode(self.side, &mut out);
        out
    }

    fn unsaid(&self) -> Option<&Vec<u8>> {
        self.kept.get((self.next - self.oldest) as usize)
    }

    /// Every line tells what has come.
    fn line(&mut self, kind: Kind, bytes: Vec<u8>) -> Line {
        self.unacknowledged = 0;
        self.quiet = 0;
        Line {
            kind,
            session: self.number,
            sequence: self.next,
            expected: self.expected,
            bytes,
        }
    }

    /// Asks once for a number; should that be lost, a beat shows it.
    fn ask(&mut self) {
        self.due.again |= self.asked != Some(self.expected);
    }

    /// Forgets what has come to the other end.
    fn release(&mut self, expected: u32) {
        // What was not said cannot have come; such a line is nonsense, though its checksum is right.
        if (self.oldest..=self.next).contains(&expected) {
            self.kept.drain(..(expected - self.oldest) as usize);
            self.oldest = expected;
        }
    }
}

/// Lines that may be under way: 192 KiB, so that a new stream waits little behind a busy one.
const WINDOW: usize = 64;

/// Lines after which the other end is told that they came.
const ACKNOWLEDGE: u32 = 8;

/// Bytes after which no further line is put into what is said at once.
const BATCH: usize = 16 << 10;

/// Ticks between beats.
const BEAT: u32 = 5;

/// Ticks after which an end that is not heard is gone. A busy server may be deaf for long.
const SILENCE: u32 = 60;
