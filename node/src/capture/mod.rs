//! An interface's frames as pcapng.
//!
//! [`start`] is what the agent uses, [`main`] is `node capture` for people. Whole frames are read with
//! pnet from a socket that [`plumbing::packet`] opened, because pnet's own takes ten milliseconds to
//! open, counts no drops and knows neither stamps nor directions. Where only their beginnings are
//! wanted, they are taken from a [`plumbing::packet_ring`]: in a socket's queue each would count with
//! all the bytes of its frame, and the queue of an ordinary user is full after a few hundred of them.
//!
//! Two things surprise readers of captures from virtual interfaces: a large send appears as one frame
//! of up to 64 KiB where it is cut up only later (GSO), and checksums of frames that this machine
//! sent are unfinished (`CHECKSUM_PARTIAL`), which is no fault of theirs.

mod command;
mod file;
mod frames;
mod running;
mod worker;

pub use command::{Arguments, main};
pub use running::{Running, start};
