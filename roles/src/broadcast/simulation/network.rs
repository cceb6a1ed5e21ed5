//! The network between a sender and its receivers.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use protocol::broadcast::datagram::data_header;
use protocol::broadcast::{Datagram, FileEntry, Message, Poll, Seal};

use super::dice::Dice;
use super::host::{BUFFER, Host};
use crate::broadcast::{Expected, Loader, Sender, SenderEvent, SenderSettings, Source, Transmit};

/// The treatment of datagrams by the network; shares are in thousandths, times in microseconds.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    pub(super) lost: u64,
    pub(super) doubled: u64,
    pub(super) repair: u64,
    pub(super) strange: u64,
    /// Datagrams of sessions that somebody makes up.
    pub(super) forged: u64,
    pub(super) least_delay: u64,
    pub(super) most_delay: u64,
    /// A link that all datagrams of the sender pass.
    pub(super) narrow: Option<Narrow>,
}

/// A link that passes so many bytes a second, with a queue before it.
#[derive(Debug)]
pub(super) struct Narrow {
    pub(super) bytes_per_second: u64,
    pub(super) queue: u64,
    /// Whether the sender waits where the queue is full, as it does for its own interface's.
    pub(super) own: bool,
    /// Nanosecond in which it will have passed all that waits.
    pub(super) busy_until: u64,
}

impl Narrow {
    /// A link of 100 Mbit/s somewhere on the way.
    pub(super) fn on_the_way(queue: u64) -> Self {
        Self {
            bytes_per_second: 12_500_000,
            queue,
            own: false,
            busy_until: 0,
        }
    }

    /// The sender's own link of 100 Mbit/s, with as much in its queue as a socket may have there.
    pub(super) fn own() -> Self {
        Self {
            own: true,
            ..Self::on_the_way(140_000)
        }
    }
    /// Whether the sender has to wait now.
    fn is_full(&self, now: u64) -> bool {
        self.own && self.waiting(now) > self.queue
    }

    /// Bytes in the queue.
    fn waiting(&self, now: u64) -> u64 {
        self.busy_until.saturating_sub(now * 1000) * self.bytes_per_second / 1_000_000_000
    }

    /// When a datagram has passed, in microseconds; `None` if the queue is full.
    fn pass(&mut self, now: u64, bytes: usize) -> Option<u64> {
        let bytes = u64::try_from(bytes).unwrap() + FRAMING;
        let begin = self.busy_until.max(now * 1000);
        if !self.own && self.waiting(now) + bytes > self.queue {
            return None;
        }
        self.busy_until = begin + bytes * 1_000_000_000 / self.bytes_per_second;
        Some(self.busy_until / 1000)
    }
}

/// A sender, its receivers, and the network between them.
pub(super) struct Simulation {
    pub(super) seed: u64,
    dice: Dice,
    pub(super) weather: Conditions,
    start: Instant,
    /// Microseconds since the start.
    now: u64,
    pub(super) contents: Contents,
    pub(super) sender: Sender,
    loader: Loader,
    pub(super) hosts: Vec<Host>,
    flying: BinaryHeap<Reverse<Flight>>,
    sent: u64,
    pub(super) events: Vec<SenderEvent>,
    /// When the session had ended, in microseconds.
    pub(super) ended: Option<u64>,
}

/// Microsecond of arrival, a number that keeps the order, the recipient, the bytes.
type Flight = (u64, u64, Recipient, Vec<u8>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Recipient {
    Host(usize),
    SenderFrom(usize),
}

/// The files of a session.
pub(super) struct Contents(pub(super) Vec<Vec<u8>>);

impl Source for Contents {
    fn read(&mut self, file: usize, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap();
        bytes.copy_from_slice(&self.0[file][start..start + bytes.len()]);
        Ok(())
    }
}

impl Simulation {
    /// A lossy narrow link between a sender and so many receivers, and one file.
    pub(super) fn narrow(seed: u64, receivers: u8, lost: u64, bytes: usize, link: Narrow) -> Self {
        // Who raises a lab may give its nodes large buffers.
        let buffer = if link.own { LARGE_BUFFER } else { BUFFER };
        let mut simulation = Self::new(seed);
        let mut dice = Dice(seed);
        let start = simulation.start;
        simulation.weather = Conditions {
            lost,
            least_delay: 50,
            most_delay: 60,
            narrow: Some(link),
            ..Conditions::default()
        };
        let contents = vec![vec![7; bytes]];
        let entries = [FileEntry {
            name: "file-0.bin".parse().unwrap(),
            length: u64::try_from(bytes).unwrap(),
        }];
        let settings = SenderSettings {
            symbol_size: 1456,
            seal: Seal::default(),
            expected: Expected::Count(receivers.into()),
            rate: None,
            ..simulation.sender.settings().clone()
        };
        let seal = Seal::default();
        simulation.hosts = (0..receivers)
            .map(|number| Host::new(number, start, &seal, buffer, &mut dice))
            .collect();
        for host in &mut simulation.hosts {
            (host.born, host.dies, host.stalls) = (0, None, (0, 0));
        }
        simulation.sender = Sender::new(settings, &entries, start).unwrap();
        let sender = &simulation.sender;
        simulation.loader = Loader::new(sender.layout().clone(), sender.manifest().to_vec());
        simulation.contents = Contents(contents);
        simulation
    }

    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let start = Instant::now();
        let bad = *dice.pick(&[0, 0, 20, 200, 400]);
        let weather = Conditions {
            lost: dice.below(bad + 1),
            doubled: dice.below(bad + 1) / 4,
            repair: dice.below(bad + 1) / 4,
            strange: dice.below(50),
            forged: 0,
            least_delay: 20 + dice.below(2_000),
            most_delay: 2_020 + dice.up_to_one_of(&[1, 1_000, 60_000]),
            narrow: None,
        };
        let (symbol_size, sizes) = *dice.pick(&SIZES);
        let files = 1 + dice.below(5);
        let contents: Vec<Vec<u8>> = (0..files)
            .map(|_| {
                let limit = *dice.pick(sizes);
                dice.bytes(limit)
            })
            .collect();
        let entry = |(number, content): (usize, &Vec<u8>)| FileEntry {
            name: format!("file-{number}.bin").parse().unwrap(),
            length: content.len() as u64,
        };
        let entries: Vec<FileEntry> = contents.iter().enumerate().map(entry).collect();
        let seal = match dice.below(4) {
            0 => Seal::with_secret(b"secret"),
            _ => Seal::default(),
        };
        let count = *dice.pick(&[1_u8, 2, 3, 4]);
        let hosts: Vec<Host> = (0..count)
            .map(|number| Host::new(number, start, &seal, BUFFER, &mut dice))
            .collect();
        let expected = match dice.below(2) {
            0 => Expected::Count(count.into()),
            _ => Expected::Addresses(hosts.iter().map(|host| *host.address.ip()).collect()),
        };
        let settings = SenderSettings {
            session: dice.number(),
            symbol_size,
            seal,
            expected,
            patience: Duration::from_secs(10),
            deadline: Duration::from_mins(1),
            rate: *dice.pick(&[None, Some(200_000)]),
        };
        let sender = Sender::new(settings, &entries, start).unwrap();
        Self {
            seed,
            dice,
            weather,
            start,
            now: 0,
            contents: Contents(contents),
            loader: Loader::new(sender.layout().clone(), sender.manifest().to_vec()),
            sender,
            hosts,
            flying: BinaryHeap::new(),
            sent: 0,
            events: Vec::new(),
            ended: None,
        }
    }

    /// Runs until all have ended.
    pub(super) fn run(&mut self) {
        for _step in 0..4_000_000 {
            self.deliver();
            self.run_sender();
            self.run_hosts();
            match self.next_time() {
                Some(next) => self.now = next.max(self.now + 1),
                None => return,
            }
        }
        panic!(
            "seed {}: no end after {} s",
            self.seed,
            self.now / 1_000_000
        );
    }

    fn at(&self, micros: u64) -> Instant {
        self.start + Duration::from_micros(micros)
    }

    fn deliver(&mut self) {
        let due = |flight: &Reverse<Flight>, now| flight.0.0 <= now;
        while self.flying.peek().is_some_and(|f| due(f, self.now)) {
            let Some(Reverse((_, _, receiver, bytes))) = self.flying.pop() else {
                return;
            };
            match receiver {
                Recipient::Host(host) => self.hosts[host].arrives(self.now, bytes),
                Recipient::SenderFrom(host) => {
                    let from = self.hosts[host].address;
                    self.sender.on_datagram(self.at(self.now), from, &bytes);
                }
            }
        }
    }

    fn run_sender(&mut self) {
        let now = self.at(self.now);
        self.sender.on_timer(now);
        while !self.is_blocked() {
            let Some(transmit) = self.sender.poll_transmit(now, 44) else {
                break;
            };
            let datagrams = match transmit {
                Transmit::Datagram(bytes) => vec![bytes],
                Transmit::Symbols { block, symbols } => self.datagrams(block, &symbols),
            };
            for bytes in datagrams {
                let passed = match &mut self.weather.narrow {
                    Some(narrow) => narrow.pass(self.now, bytes.len()),
                    None => Some(self.now),
                };
                for host in passed.map_or(0..0, |_| 0..self.hosts.len()) {
                    let at = passed.unwrap_or(self.now);
                    self.launch(at, Recipient::Host(host), bytes.clone());
                }
            }
        }
        self.events
            .extend(std::iter::from_fn(|| self.sender.poll_event()));
        let is_end = |event: &SenderEvent| matches!(event, SenderEvent::Ended(_));
        if self.ended.is_none() && self.events.iter().any(is_end) {
            self.ended = Some(self.now);
        }
    }

    fn is_blocked(&self) -> bool {
        let narrow = self.weather.narrow.as_ref();
        narrow.is_some_and(|narrow| narrow.is_full(self.now))
    }

    fn datagrams(&mut self, block: u32, symbols: &[u16]) -> Vec<Vec<u8>> {
        self.loader.make_room(self.sender.base());
        let known = self.loader.load(block, symbols, &mut self.contents);
        if let Some((file, hash)) = known.unwrap() {
            self.sender.on_hash(file, hash);
        }
        let settings = self.sender.settings();
        let loaded = self.loader.get(block).unwrap();
        let datagram = |&symbol: &u16| {
            let body = loaded.symbol(symbol).unwrap();
            let mut header = data_header(settings.session, block, symbol);
            let code = settings.seal.close(&mut header, body);
            let mut bytes = header.to_vec();
            bytes.extend(body.iter().chain(code.iter().flatten()));
            bytes
        };
        symbols.iter().map(datagram).collect()
    }

    fn run_hosts(&mut self) {
        let sender = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 250), 40_000);
        for number in 0..self.hosts.len() {
            let now = self.at(self.now);
            let host = &mut self.hosts[number];
            if !host.is_awake(self.now) {
                continue;
            }
            let mut answers = Vec::new();
            while let Some(bytes) = host.take() {
                host.receiver.on_datagram(now, sender, &bytes);
                answers.extend(host.perform(now));
            }
            host.receiver.on_timer(now);
            answers.extend(host.perform(now));
            host.busy_until = self.now + self.dice.below(300);
            if host.stalls.0 <= self.now {
                host.busy_until += std::mem::take(&mut host.stalls.1);
            }
            for answer in answers {
                self.launch(self.now, Recipient::SenderFrom(number), answer);
            }
        }
    }

    fn launch(&mut self, at: u64, receiver: Recipient, mut bytes: Vec<u8>) {
        let copies = 1 + u64::from(self.dice.happens(self.weather.doubled));
        for _copy in 0..copies {
            if self.dice.happens(self.weather.lost) {
                continue;
            }
            if self.dice.happens(self.weather.repair) {
                let place = self.dice.index(bytes.len());
                bytes[place] ^= 1 << self.dice.below(8);
            }
            if self.dice.happens(self.weather.strange) {
                let strange = self.dice.bytes(200);
                self.schedule(at, receiver, strange);
            }
            if self.weather.forged > 0 && self.dice.happens(self.weather.forged) {
                let forged = forged(&mut self.dice);
                self.schedule(at, receiver, forged);
            }
            self.schedule(at, receiver, bytes.clone());
        }
    }

    fn schedule(&mut self, at: u64, receiver: Recipient, bytes: Vec<u8>) {
        let spread = self
            .weather
            .most_delay
            .saturating_sub(self.weather.least_delay);
        let delay = self.weather.least_delay + self.dice.below(spread + 1);
        self.sent += 1;
        self.flying
            .push(Reverse((at + delay, self.sent, receiver, bytes)));
    }

    /// When something happens next; `None` once all have ended.
    fn next_time(&self) -> Option<u64> {
        let micros = |at: Instant| {
            let since = at.saturating_duration_since(self.start);
            u64::try_from(since.as_nanos().div_ceil(1000)).unwrap()
        };
        let mut sender = self.sender.next_timer().map(micros);
        if self.is_blocked() {
            sender = sender.map(|at| at.max(self.now + 100));
        }
        let alive = |host: &&Host| {
            host.receiver.outcome().is_none() && host.dies.is_none_or(|at| at > self.now)
        };
        let hosts: Vec<&Host> = self.hosts.iter().filter(alive).collect();
        if sender.is_none() && hosts.is_empty() {
            return None;
        }
        let flying = self.flying.peek().map(|Reverse((at, ..))| *at);
        let hosts = hosts.into_iter().map(|host| {
            let work = (!host.waiting.is_empty()).then_some(host.busy_until);
            let timer = host.receiver.next_timer().map(micros);
            let next = [work, timer, host.dies].into_iter().flatten().min();
            next.unwrap_or(u64::MAX).max(host.born).max(host.busy_until)
        });
        hosts.chain(sender).chain(flying).min()
    }
}

/// A poll, a symbol or an end of one of a few sessions that carry nothing.
pub(super) fn forged(dice: &mut Dice) -> Vec<u8> {
    let noise: Vec<u8> = (0..1456).map(|_| dice.number().to_be_bytes()[0]).collect();
    let message = match dice.below(20) {
        0 => Message::End,
        1..8 => Message::Poll(Poll {
            round: 0,
            upto: 5,
            symbol_size: 1456,
            open: 64,
            manifest_length: 4_000_000,
            manifest_hash: [0; 32],
        }),
        _ => Message::Data {
            block: u32::try_from(dice.below(5)).unwrap(),
            symbol: u16::try_from(dice.below(700)).unwrap(),
            bytes: &noise,
        },
    };
    let session = u32::try_from(dice.below(30)).unwrap();
    Datagram { session, message }.encode(&Seal::default(), 1456)
}

/// Bytes of a receive buffer where a node may ask for one.
const LARGE_BUFFER: u32 = 8 << 20;

/// Bytes of a frame beyond its datagram: Ethernet, IPv4 and UDP headers.
const FRAMING: u64 = 14 + 20 + 8;

/// Bytes of a symbol, and limits that the files' lengths are drawn below. The last kind has files of
/// more than one block.
const SIZES: [(u16, &[u64]); 12] = [
    (256, &[1, 90, 9_000, 30_000]),
    (256, &[1, 90, 9_000, 30_000]),
    (256, &[9_000, 20_000]),
    (534, &[1, 90, 9_000, 60_000]),
    (534, &[1, 90, 9_000, 60_000]),
    (534, &[20_000, 60_000]),
    (1456, &[1, 90, 9_000, 60_000]),
    (1456, &[1, 90, 9_000, 60_000]),
    (1456, &[1, 90, 9_000, 60_000]),
    (1456, &[100_000]),
    (8956, &[100_000, 200_000]),
    (8956, &[1_500_000, 100_000]),
];
