//! Clients that put a file server under load (`node stress`), and the roles that make their files
//! (`node fill`), hash them where they lie (`node digest`) and remove them (`node discard`).
//!
//! What a client does is written once, without sockets or clock ([`exchange`]); two loops do it, one
//! that blocks ([`blocking`]) and one that yields ([`yielding`]). Clients are threads ([`threads`]),
//! processes ([`processes`], with [`worker`] at the other end) or tasks ([`tasks`]). They share no
//! memory beyond what each needs itself, whatever the files' size.

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
