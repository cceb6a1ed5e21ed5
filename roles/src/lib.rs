//! The programs that run on the test bed. The node binary holds them; none of them knows what a lab is.
//!
//! - [`role`]: all of them, each as a subcommand of `node`.
//! - [`broadcast`]: senders and receivers of files by broadcast.
//! - [`transfer`]: senders under five concurrency models, and the original labs' servers.
//! - [`serve`]: the labs' file server, whose workers are threads, processes or tasks.
//! - [`stress`]: clients that put a file server under load, and programs that make and hash their files.
//! - [`converse`]: the client of a scripted conversation with a file server.
//! - [`file_client`]: the parts that all clients of a file server share.
//! - [`http`]: a server of files over HTTP, and its client.
//!
//! Below all of them:
//!
//! - [`lines`]: the lines that they print.
//! - [`quantity`]: times and lengths on command lines.
//! - [`buffer`]: the bytes between a connection and their reader or writer.
//! - [`readiness`]: waits for descriptors.
//! - [`gate`]: makes workers wait until all are there.
//! - [`worker`]: this program started again as a worker.

pub mod broadcast;
mod buffer;
pub mod converse;
pub mod file_client;
mod gate;
pub mod http;
mod lines;
mod quantity;
mod readiness;
pub mod role;
pub mod serve;
pub mod stress;
pub mod transfer;
mod worker;
