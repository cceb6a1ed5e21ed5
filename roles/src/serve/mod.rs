//! The labs' file server (`node serve`): LIST, GET, DOWNLOAD, UPLOAD and DELETE over TCP.
//!
//! What a connection does is written once, without sockets ([`session`], over [`storage`]);
//! two loops do it, one that blocks ([`blocking`]) and one that yields ([`yielding`]). [`acceptor`]
//! gives connections to a [`pool`] of so many workers and keeps the others waiting: threads
//! ([`thread_pool`]), processes ([`process_pool`], with [`worker`] at the other end), or tasks
//! ([`task_pool`]).

mod acceptor;
mod blocking;
mod command;
mod drain;
mod incoming;
mod options;
mod pool;
pub mod probe;
mod process_pool;
mod process_worker;
mod report;
mod session;
mod storage;
mod task_pool;
mod thread_pool;
mod vacancies;
mod worker;
mod yielding;

pub use command::serve;
pub use options::{ServeArguments, ServeWorkerArguments};
pub use worker::work;
