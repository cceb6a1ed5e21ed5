//! `broadcast`: a file from one node to many, by our protocol, by TCP copies, udpcast and uftp.
//!
//! - [`race()`], [`lossy`]: the cells: how many receivers, which link, how much.
//! - [`lab`]: a sender and its receivers in namespaces of their own, driven by a script.

mod lab;
mod race;

pub use race::{lossy, race};
