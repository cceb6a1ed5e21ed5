//! The checked topology. Its invariants hold by construction: [`super::resolve`] is the only maker.
//!
//! Every name that is used is defined, every address lies in its network's subnet and is used once,
//! every interface has its addresses and MAC, every duration and rate is a number with a unit.
//!
//! - `lab`: nodes, networks, wires and how bad they are.
//! - `scenario`: what is done in the lab.

mod lab;
mod scenario;

pub use lab::{
    Attachment, FileCopy, Impairment, Interface, Limits, Link, LinkEnd, Network, Node, StaticRoute,
    Topology,
};
pub use scenario::{
    Action, Broadcast, BroadcastAddress, CaptureMode, Expectation, Fault, FaultKind, FilePlace,
    Model, RunProgram, SaveValue, Scenario, Step, Work,
};
