//! Sockets of broadcasts.
//!
//! - [`socket`]: a UDP socket that sends and receives many datagrams at once where the kernel can.
//! - [`address`]: where datagrams go, and how long they may be there.
//! - [`dropping`]: loses datagrams on purpose, for tests.

mod address;
mod dropping;
mod socket;

pub use address::Segmentation;
pub(super) use address::symbol_size;
pub use dropping::{DROP, Dropping};
pub(crate) use socket::wait;
pub(super) use socket::{Arrived, BroadcastSocket, Parts};
