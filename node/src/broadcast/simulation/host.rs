//! A receiver of the simulation, with its files and its fate.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::dice::Dice;
use crate::broadcast::{Action, Receiver, ReceiverSettings, Store};

/// A host that receives.
pub(super) struct Host {
    pub(super) address: SocketAddrV4,
    pub(super) receiver: Receiver,
    pub(super) store: Store,
    pub(super) born: u64,
    pub(super) dies: Option<u64>,
    /// Writes and hashes take time.
    pub(super) busy_until: u64,
    pub(super) waiting: VecDeque<Vec<u8>>,
}

impl Host {
    pub(super) fn new(number: usize, start: Instant, directory: &Path, dice: &mut Dice) -> Self {
        let address = SocketAddrV4::new(
            Ipv4Addr::new(10, 0, 0, u8::try_from(number + 1).unwrap()),
            5005,
        );
        let settings = ReceiverSettings {
            receiver: dice.number(),
            buffer: 212_992,
            patience: Duration::from_secs(3),
            deadline: Some(Duration::from_secs(70)),
        };
        let born = [0, 0, 0, 0, 0, 1_500_000, 1_500_000, 30_000_000];
        let dies = [None, None, None, None, None, None, None, Some(5_000)];
        let mut host = Self {
            address,
            receiver: Receiver::new(settings, start),
            store: Store::new(&directory.join(address.ip().to_string())).unwrap(),
            born: *dice.pick(&born),
            dies: *dice.pick(&dies),
            busy_until: 0,
            waiting: VecDeque::new(),
        };
        if let Some(dies) = &mut host.dies {
            host.born = 0;
            *dies = dice.below(*dies);
        }
        host
    }

    pub(super) fn directory(&self, parent: &Path) -> PathBuf {
        parent.join(self.address.ip().to_string())
    }

    pub(super) fn awake(&self, now: u64) -> bool {
        let alive = self.born <= now && self.dies.is_none_or(|at| at > now);
        alive && self.busy_until <= now && self.receiver.outcome().is_none()
    }

    /// Does what the receiver wants done, and returns what it wants sent.
    pub(super) fn perform(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let mut answers = Vec::new();
        while let Some(action) = self.receiver.poll_action() {
            match action {
                Action::Send(_, datagram) => answers.push(datagram),
                Action::Begin(session, files) => self.store.begin(session, files),
                Action::Write {
                    file,
                    offset,
                    bytes,
                } => {
                    self.store.write(file, offset, &bytes).unwrap();
                }
                Action::Verify(file) => {
                    let right = self.store.finish(file).unwrap();
                    self.receiver.on_verified(now, file, right);
                }
                Action::Abandon => self.store.abandon(),
            }
        }
        answers
    }
}
