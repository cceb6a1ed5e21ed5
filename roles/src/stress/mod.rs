//! Clients that put a file server under load (`node stress`), and the roles that make their files
//! (`node fill`), hash them where they lie (`node digest`) and remove them (`node discard`).
//!
//! The work of a client is written once, without sockets or clock ([`exchange`]). Two loops drive it: one
//! blocks ([`blocking`]), the other yields ([`yielding`]). Clients are threads ([`threads`]), processes
//! ([`processes`], with [`worker`] at the other end) or tasks ([`tasks`]). They share no memory beyond what
//! each needs itself, whatever the files' size.

mod blocking;
mod command;
mod digest;
mod discard;
mod exchange;
mod fill;
mod job;
mod options;
mod processes;
mod tasks;
mod threads;
mod worker;
mod yielding;

pub use command::stress;
pub use digest::{DigestArguments, digest};
pub use discard::{DiscardArguments, discard};
pub use fill::{FillArguments, fill};
pub use options::{StressArguments, StressWorkerArguments};
pub use worker::work;
