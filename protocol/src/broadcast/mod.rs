//! The wire format of a broadcast: one sender, any number of receivers, files that all of them get.
//!
//! `protocol/BROADCAST.md` says it all in words, well enough to implement it; this is the same as
//! types and codecs.
//!
//! - [`datagram`]: headers, checksums, and what a datagram says.
//! - [`seal`]: what protects a datagram: a checksum always, a code under a shared key if there is one.
//! - [`poll`] and [`report`]: the sender's question, a receiver's answer.
//! - [`symbols`]: sets of a block's symbols.
//! - [`manifest`]: the files that a session carries.
//! - [`layout`]: which bytes the numbered blocks and symbols hold.
//! - [`hash`]: BLAKE3 of blocks and of files, and the proof of having them.

pub mod datagram;
pub mod hash;
pub mod layout;
pub mod manifest;
pub mod poll;
mod reader;
pub mod report;
pub mod seal;
pub mod symbols;

pub use datagram::{Datagram, DatagramError, HEADER, Message};
pub use layout::{Block, Layout, Object};
pub use manifest::{FileEntry, ManifestError};
pub use poll::Poll;
pub use report::{Report, State, Want};
pub use seal::Seal;
pub use symbols::SymbolSet;
