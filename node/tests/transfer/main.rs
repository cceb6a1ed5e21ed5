//! Senders under five models and the original labs' servers, as programs, over the loopback's
//! broadcast address.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops where it fails"
)]

mod census;
mod framings;
mod peers;
mod program;
