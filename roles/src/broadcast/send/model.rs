//! The settings and events of a sender.

use std::time::Duration;

use protocol::broadcast::Seal;
use protocol::broadcast::hash::Hash;

use super::group::{Expected, Lost};

/// The settings of a session to be sent.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The session's number; random, so that no stale datagram fits.
    pub session: u32,
    /// Bytes of a full symbol; even.
    pub symbol_size: u16,
    /// The protection of its datagrams.
    pub seal: Seal,
    /// The receivers to wait for.
    pub expected: Expected,
    /// A receiver that is silent for so long is given up.
    pub patience: Duration,
    /// All that are not done by then are given up.
    pub deadline: Duration,
    /// Bytes of datagrams a second; `None` is as fast as receivers and the way to them can.
    pub rate: Option<u64>,
}

/// A transmission that the sender asks for, to all receivers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transmit {
    /// A whole datagram.
    Datagram(Vec<u8>),
    /// Symbols of a block, a datagram each. All have one length but the last, which may be shorter.
    Symbols {
        /// The block's number.
        block: u32,
        /// The symbols' numbers; from the block's source count on they are parity.
        symbols: Vec<u16>,
    },
}

/// An event that the sender reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SenderEvent {
    /// Every expected receiver has proved the file with this number.
    Proved(usize, Hash),
    /// The session has ended for those that were lost, if any, and for all others with every file.
    Ended(Vec<Lost>),
}

/// Datagrams that went out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sent {
    /// Data datagrams, repairs included.
    pub datagrams: u64,
    /// Repairs: source symbols that were sent again, and parity.
    pub repairs: u64,
}
