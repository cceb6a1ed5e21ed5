//! Senders and receivers of a broadcast on a thousand bad networks, in virtual time.
//!
//! Each schedule is drawn from a seed: loss, duplicates, delays that reorder, damaged bytes, strangers'
//! datagrams, receivers that come late, stall, restart or die. It must end, and then either every
//! receiver has every byte and the sender says so, or the sender names whoever has not.

mod dice;
mod host;
mod network;
mod schedules;
