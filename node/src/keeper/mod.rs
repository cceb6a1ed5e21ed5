//! The keeper of a netns lab: one process of one thread that makes the lab's nodes out of namespaces
//! and then holds them. It is the first process of a process name space that all nodes are below, so
//! the kernel ends them all when it ends, however it ends.
//!
//! - [`connection`]: its connection to the orchestrator.
//! - [`lab`]: makes the lab.
//! - [`hold`]: holds it.
//! - [`clients`]: processes that read and change it while it is up; [`client`]: one of them.
//! - [`service`]: the answers to their requests.
//! - [`world`]: what nodes see of this machine; [`view`]: its parts.
//! - [`closed`]: the view of nodes in a sandbox; [`settings_copy`]: their `/etc`; [`open`]: the view of others.
//! - [`template`]: the lowest layer of nodes' roots.
//! - [`child`]: what becomes a node.
//! - [`root`]: a node's own root.
//! - [`links`]: plugs nodes together.
//! - [`limits`]: the nodes' control groups.
//! - [`report`]: what nodes that are being made tell the keeper.
//! - [`failure`]: what went wrong, at which step.
//! - [`program`]: the program as the lab runs it.
//! - [`start`]: from the command line to the keeper's namespaces.

mod child;
mod client;
mod clients;
mod closed;
mod connection;
mod failure;
mod hold;
mod lab;
mod limits;
mod links;
mod open;
mod program;
mod report;
mod root;
mod service;
mod settings_copy;
mod start;
mod template;
mod view;
mod world;

pub use start::{Arguments, main};
