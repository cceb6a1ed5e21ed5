//! Carries streams to an agent over a terminal, which is all that leads to some nodes: their console.
//! [`protocol::console`] defines the lines on it.
//!
//! - [`command`]: `node console`. - [`terminal`]: the terminal, raw for as long as the program has it.
//! - [`program`]: one session after another. - [`events`]: the events that it waits for.
//! - [`streams`]: a session's streams to the agent.

mod command;
mod events;
mod program;
mod streams;
mod terminal;

pub use command::{Arguments, main};
