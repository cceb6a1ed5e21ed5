//! The labs' file server (`node serve`): LIST, GET, DOWNLOAD, UPLOAD and DELETE over TCP.
//!
//! The work of a connection is written once, without sockets ([`session`], over [`storage`]). Two loops drive
//! it: one blocks ([`blocking`]), the other yields ([`yielding`]). [`acceptor`] gives connections to a
//! fixed-size [`pool`] and keeps the others waiting. Workers are threads ([`thread_pool`]), processes
//! ([`process_pool`], with [`worker`] at the other end), or tasks ([`task_pool`]).

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
