//! The first process of every node: starts, stops and watches processes, moves files, waits and
//! captures, as the control channel ([`protocol::control`]) asks.
//!
//! One thread serves all connections; what would block it goes to a few helper threads that end when
//! idle. Each connection ([`connection`]) reads frames and has requests done ([`requests`]); what it
//! sends goes through its bounded [`outbox`], what it takes in through an [`inbox`].

mod channels;
mod children;
mod connection;
mod failure;
mod files;
mod inbox;
mod limits;
mod log;
mod node;
mod options;
mod outbox;
mod process;
mod program;
mod recording;
mod relay;
mod requests;
mod server;
mod service;
mod waiting;

pub use limits::NodeGroup;
pub use options::{AgentOptions, Arguments, Environment, OnTerminate, Room};
pub use server::{main, run};
pub(crate) use waiting::until;
