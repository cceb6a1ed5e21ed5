//! The network between them, and the tests.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use protocol::datagram::{DATA_HEADER, seal_data};
use protocol::manifest::FileEntry;
use protocol::role::RoleEvent;
use sha2::{Digest, Sha256};

use super::dice::Dice;
use super::host::Host;
use crate::broadcast::{Expected, Sender, SenderSettings, Transmit};

#[test]
fn every_schedule_ends_with_equal_bytes_or_an_honest_failure() {
    let (mut complete, mut failed) = (0, 0);
    for seed in 0..400 {
        if Simulation::new(seed).run() {
            complete += 1;
        } else {
            failed += 1;
        }
    }
    // Both ends of the story must have been told.
    assert!(complete > 200, "only {complete} transfers were complete");
    assert!(failed > 20, "only {failed} transfers failed");
}

#[test]
fn nothing_is_repeated_where_nothing_is_lost() {
    let mut simulation = Simulation::new(1);
    simulation.weather = Weather {
        least_delay: 40,
        most_delay: 40,
        ..Weather::default()
    };
    for host in &mut simulation.hosts {
        (host.born, host.dies) = (0, None);
    }
    assert!(simulation.run());
    let finished = simulation.events.iter().find_map(|event| match event {
        RoleEvent::Finished(summary) => Some(summary.clone()),
        _ => None,
    });
    assert_eq!(finished.map(|summary| summary.repeated), Some(0));
}

/// How the network treats datagrams; shares are in thousandths, times in microseconds.
#[derive(Debug, Default)]
struct Weather {
    lost: u64,
    doubled: u64,
    damaged: u64,
    strange: u64,
    least_delay: u64,
    most_delay: u64,
}

struct Simulation {
    dice: Dice,
    weather: Weather,
    start: Instant,
    /// Microseconds since the start.
    now: u64,
    contents: Vec<Vec<u8>>,
    entries: Vec<FileEntry>,
    sender: Sender,
    session: u32,
    hosts: Vec<Host>,
    flying: BinaryHeap<Reverse<Flight>>,
    sent: u64,
    events: Vec<RoleEvent>,
    directory: tempfile::TempDir,
}

/// Microsecond of arrival, a number that keeps the order, whom it is for, the bytes.
type Flight = (u64, u64, usize, Vec<u8>);

impl Simulation {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let start = Instant::now();
        let directory = tempfile::tempdir().unwrap();
        let bad = *dice.pick(&[0, 0, 20, 200, 400]);
        let weather = Weather {
            lost: dice.below(bad + 1),
            doubled: dice.below(bad + 1) / 4,
            damaged: dice.below(bad + 1) / 4,
            strange: dice.below(50),
            least_delay: 20 + dice.below(2_000),
            most_delay: 2_020 + dice.up_to_one_of(&[1, 1_000, 60_000]),
        };
        let files = 1 + dice.below(5);
        let contents: Vec<Vec<u8>> = (0..files)
            .map(|_| {
                let limit = *dice.pick(&[1, 90, 9_000, 60_000]);
                dice.bytes(limit)
            })
            .collect();
        let entry = |(number, content): (usize, &Vec<u8>)| FileEntry {
            name: format!("file-{number}.bin").parse().unwrap(),
            length: content.len() as u64,
            sha256: Sha256::digest(content).into(),
        };
        let entries: Vec<FileEntry> = contents.iter().enumerate().map(entry).collect();
        let count = *dice.pick(&[1, 2, 3, 4]);
        let hosts: Vec<Host> = (0..count)
            .map(|number| Host::new(number, start, directory.path(), &mut dice))
            .collect();
        let expected = match dice.below(2) {
            0 => Expected::Count(count),
            _ => Expected::Addresses(hosts.iter().map(|host| *host.address.ip()).collect()),
        };
        let session = dice.number();
        let settings = SenderSettings {
            session,
            block_size: *dice.pick(&[100, 534, 1458]),
            expected,
            patience: Duration::from_secs(10),
            deadline: Duration::from_mins(1),
            rate: *dice.pick(&[None, Some(100_000)]),
        };
        let sender = Sender::new(settings, entries.clone(), start).unwrap();
        Self {
            dice,
            weather,
            start,
            now: 0,
            contents,
            entries,
            sender,
            session,
            hosts,
            flying: BinaryHeap::new(),
            sent: 0,
            events: Vec::new(),
            directory,
        }
    }

    /// Runs until all have ended; says whether the transfer was complete.
    fn run(&mut self) -> bool {
        for _step in 0..4_000_000 {
            self.deliver();
            self.run_sender();
            self.run_hosts();
            match self.next_time() {
                Some(next) => self.now = next.max(self.now + 1),
                None => return self.judge(),
            }
        }
        panic!(
            "no end after {} s: {:?}",
            self.now / 1_000_000,
            self.weather
        );
    }

    fn judge(&self) -> bool {
        let complete = self
            .events
            .iter()
            .any(|event| matches!(event, RoleEvent::Finished(_)));
        let failed = self
            .events
            .iter()
            .any(|event| matches!(event, RoleEvent::Failed { .. }));
        assert!(complete != failed, "{:?}", self.events);
        let lost: Vec<&str> = self
            .events
            .iter()
            .filter_map(|event| match event {
                RoleEvent::Lost { receiver, .. } => Some(receiver.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(complete, lost.is_empty());
        let unnamed = lost.contains(&"unknown");
        for host in &self.hosts {
            let all = (0..self.entries.len()).all(|file| self.has(host, file));
            let named = unnamed || lost.contains(&host.address.ip().to_string().as_str());
            assert!(
                all || named,
                "{} lacks files, but was not named",
                host.address
            );
            if host.receiver.outcome() == Some(true) {
                assert!(all, "{} says that it has all, but has not", host.address);
            }
            assert!(host.dies.is_some() || host.receiver.outcome().is_some());
        }
        let healthy = |host: &Host| host.dies.is_none() && host.born < 2_000_000;
        assert!(
            complete || !self.hosts.iter().all(healthy),
            "{:?}",
            self.events
        );
        let leftovers = fs::read_dir(self.directory.path()).unwrap().count();
        assert_eq!(leftovers, self.hosts.len());
        complete
    }

    fn has(&self, host: &Host, file: usize) -> bool {
        let path = host
            .directory(self.directory.path())
            .join(self.entries[file].name.as_str());
        match fs::read(path) {
            Ok(bytes) => {
                assert!(
                    bytes == self.contents[file],
                    "a file with wrong bytes was published"
                );
                true
            }
            Err(_) => false,
        }
    }

    fn at(&self, micros: u64) -> Instant {
        self.start + Duration::from_micros(micros)
    }

    fn deliver(&mut self) {
        while self
            .flying
            .peek()
            .is_some_and(|Reverse((at, ..))| *at <= self.now)
        {
            let Some(Reverse((_, _, whom, bytes))) = self.flying.pop() else {
                return;
            };
            match whom.checked_sub(1) {
                None => {}
                Some(host) if host < self.hosts.len() => {
                    let host = &mut self.hosts[host];
                    // A socket's buffer is finite.
                    if host.born <= self.now && host.waiting.len() < 90 {
                        host.waiting.push_back(bytes);
                    }
                }
                Some(from) => {
                    let from = self.hosts[from - self.hosts.len()].address;
                    self.sender.on_datagram(self.at(self.now), from, &bytes);
                }
            }
        }
    }

    fn run_sender(&mut self) {
        let now = self.at(self.now);
        self.sender.on_timer(now);
        while let Some(transmit) = self.sender.poll_transmit(now) {
            let bytes = match transmit {
                Transmit::Datagram(bytes) => bytes,
                Transmit::Block {
                    block,
                    file,
                    offset,
                    length,
                } => {
                    let offset = usize::try_from(offset).unwrap();
                    let mut bytes = vec![0; DATA_HEADER];
                    bytes.extend(&self.contents[file][offset..offset + usize::from(length)]);
                    seal_data(self.session, block, &mut bytes);
                    bytes
                }
            };
            for whom in 1..=self.hosts.len() {
                self.launch(whom, bytes.clone());
            }
        }
        self.events
            .extend(std::iter::from_fn(|| self.sender.poll_event()));
    }

    fn run_hosts(&mut self) {
        let sender = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 250), 40_000);
        for number in 0..self.hosts.len() {
            let now = self.at(self.now);
            let host = &mut self.hosts[number];
            if !host.awake(self.now) {
                continue;
            }
            host.receiver.on_timer(now);
            let mut answers = host.perform(now);
            while let Some(bytes) = host.waiting.pop_front() {
                host.receiver.on_datagram(now, sender, &bytes);
                answers.extend(host.perform(now));
            }
            host.busy_until = self.now + self.dice.below(300);
            let whom = self.hosts.len() + number + 1;
            for answer in answers {
                self.launch(whom, answer);
            }
        }
    }

    fn launch(&mut self, whom: usize, mut bytes: Vec<u8>) {
        let copies = 1 + u64::from(self.dice.happens(self.weather.doubled));
        for _copy in 0..copies {
            if self.dice.happens(self.weather.lost) {
                continue;
            }
            if self.dice.happens(self.weather.damaged) {
                let place = self.dice.index(bytes.len());
                bytes[place] ^= 1 << self.dice.below(8);
            }
            if self.dice.happens(self.weather.strange) {
                let strange = self.dice.bytes(200);
                self.schedule(whom, strange);
            }
            self.schedule(whom, bytes.clone());
        }
    }

    fn schedule(&mut self, whom: usize, bytes: Vec<u8>) {
        let Weather {
            least_delay,
            most_delay,
            ..
        } = self.weather;
        let delay = least_delay + self.dice.below(most_delay.saturating_sub(least_delay) + 1);
        self.sent += 1;
        self.flying
            .push(Reverse((self.now + delay, self.sent, whom, bytes)));
    }

    /// When something happens next; `None` once all have ended.
    fn next_time(&self) -> Option<u64> {
        let micros = |at: Instant| {
            let since = at.saturating_duration_since(self.start);
            u64::try_from(since.as_nanos().div_ceil(1000)).unwrap()
        };
        let sender = self.sender.next_timer(self.at(self.now)).map(micros);
        let alive = |host: &&Host| {
            host.receiver.outcome().is_none() && host.dies.is_none_or(|at| at > self.now)
        };
        let hosts: Vec<&Host> = self.hosts.iter().filter(alive).collect();
        if sender.is_none() && hosts.is_empty() {
            return None;
        }
        let flying = self.flying.peek().map(|Reverse((at, ..))| *at);
        let hosts = hosts.into_iter().map(|host| {
            let work = if host.waiting.is_empty() {
                None
            } else {
                Some(host.busy_until)
            };
            let timer = host.receiver.next_timer().map(micros);
            let next = [work, timer, host.dies].into_iter().flatten().min();
            next.unwrap_or(u64::MAX).max(host.born).max(host.busy_until)
        });
        hosts.chain(sender).chain(flying).min()
    }
}
