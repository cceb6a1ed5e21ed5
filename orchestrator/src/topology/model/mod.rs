//! The checked topology. Its invariants hold by construction: [`super::resolve`] is the only maker.
//!
//! Every name that is used is defined, every address lies in its network's subnet and is used once,
//! every interface has its addresses and MAC, every duration and rate is a number with a unit.
//!
//! - `lab`: nodes, networks, wires and how bad they are.
//! - `conversation`: commands to a file server.
//! - `stress`: a file server, and the clients that put it under load.
//! - `service`: how the built-in file server serves.
//! - `scenario`: what is done in the lab.
//! - `transfer`: files sent from a node to others.

mod conversation;
mod lab;
mod scenario;
mod service;
mod stress;
mod transfer;

pub use conversation::{Answer, Command, Connections, Conversation, FileRequest, LineEnd, Reply};
pub use lab::{
    Attachment, Bind, FileCopy, Interface, Link, LinkEnd, Network, Node, StaticRoute, Topology,
};
pub use scenario::{
    Action, CaptureMode, Expect, Expectation, Fault, FaultKind, FilePlace, RunProgram, SaveValue,
    Scenario, Step, Work,
};
pub use service::{Durability, Service, Setting};
pub use stress::{Clients, Operation, Server, ServerProgram, Stress, Workers};
pub use transfer::{BroadcastAddress, Download, Files, Framing, Model, Sending, Source, Transfer};
