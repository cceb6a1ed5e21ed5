//! The node: one static binary that is deployed into every node of a lab.
//!
//! - [`cli`]: which of the parts below a command line asks for.
//! - [`agent`]: the first process of every node; does what the orchestrator asks of it.
//! - [`bridge`]: a switch, for servers that have none of their own.
//! - [`connect`]: carries the agent's Unix socket over standard input and output.
//! - [`console`]: carries streams to the agent over a terminal.
//! - [`keeper`]: makes the nodes of a lab out of namespaces and holds them.
//! - [`network`]: gives a node its interfaces, addresses, routes and names.
//! - [`capture`]: an interface's frames as pcapng.
//! - [`broadcast`]: the roles that send and receive files by broadcast.
//! - [`converse`]: the client of a scripted conversation with a file server.
//! - [`file_client`]: what every client of a file server has.
//! - [`http`]: the roles that serve files over HTTP and fetch them.
//! - [`serve`]: the labs' file server, whose workers are threads, processes or tasks.
//! - [`stress`]: clients that put a file server under load, and what makes and hashes their files.
//! - [`transfer`]: senders under five concurrency models, and the original labs' servers.

pub mod agent;
pub mod bridge;
pub mod broadcast;
mod buffer;
pub mod capture;
pub mod cli;
pub mod connect;
pub mod console;
pub mod converse;
pub mod file_client;
pub mod http;
pub mod keeper;
pub mod network;
mod quantity;
pub mod serve;
mod shortage;
pub mod stress;
pub mod transfer;
