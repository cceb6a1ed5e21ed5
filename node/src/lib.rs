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
//! - [`seclusion`]: takes a machine out of networks that it bridges for a lab.
//!
//! The programs that run in nodes are the crate [`roles`]; only [`cli`] knows of them.

pub mod agent;
pub mod bridge;
pub mod capture;
pub mod cli;
pub mod connect;
pub mod console;
pub mod keeper;
pub mod network;
pub mod seclusion;
