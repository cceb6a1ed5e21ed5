//! Files sent under one of five concurrency models, and what receives those that come without names.
//!
//! A file is a task. What a task does is written once, without sockets or clock: [`naive`] here, and
//! [`crate::broadcast`] for what is to arrive. [`sending`] gives it a socket and never blocks; two loops
//! drive it, one that blocks ([`blocking`]) and one that yields ([`yielding`]); five drivers
//! spread the tasks: [`single_thread`], [`multi_thread`], [`multi_thread_async`] and, for both models
//! of processes, [`multi_process`] with [`worker`] at the other end. [`census`] counts who is at work.
//!
//! [`receive`] is the other side of the framings that the original labs used: a file a datagram, or a
//! byte a datagram.

mod blocking;
mod census;
mod job;
mod multi_process;
mod multi_thread;
mod multi_thread_async;
mod naive;
mod naive_task;
mod options;
mod receive;
mod send;
mod sending;
mod single_thread;
mod socket;
mod storage;
mod task_worker;
mod worker;
mod yielding;

pub use options::{ReceiveArguments, SendArguments, WorkerArguments};
pub use receive::receive;
pub use send::send;
pub use worker::work;
