//! The node's command line: one subcommand for each part.

use std::ffi::OsStr;
use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use protocol::role::{PROGRAM, PROGRAM_OF_AGENT};
use roles::role::Role;

use crate::{agent, bridge, capture, connect, console, keeper, seclusion};

/// The node binary of the orchestrator's labs. The orchestrator starts it; people rarely do.
#[derive(Debug, Parser)]
#[command(name = "node", version)]
struct Arguments {
    #[command(subcommand)]
    part: Part,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Be a node's first process and do what the control channel asks.
    Agent(agent::Arguments),
    /// Make a lab's nodes out of namespaces and hold them.
    Keep(keeper::Arguments),
    /// Be a switch: bridge the node's Ethernet interfaces until told to end.
    Bridge(bridge::Arguments),
    /// Carry an agent's Unix socket over standard input and output.
    Connect(connect::Arguments),
    /// Carry any number of streams to an agent over this terminal, a node's console.
    Console(console::Arguments),
    /// Take the machine out of networks that it bridges.
    Seclude(seclusion::Arguments),
    #[command(flatten)]
    Role(Role),
    /// Write an interface's frames to standard output as pcapng.
    Capture(capture::Arguments),
}

/// Returns whether this process was started as the node: by that name, in whatever folder it lies, or as the program of
/// an agent.
pub fn is_called() -> bool {
    let path = std::env::args_os().next();
    let path = path.as_deref().map(Path::new);
    path == Some(Path::new(PROGRAM_OF_AGENT))
        || path.and_then(Path::file_name) == Some(OsStr::new(PROGRAM))
}

/// Parses the process's arguments and runs the part that they name. On wrong usage, says so on
/// standard error and returns 2.
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            // Where even standard error is gone, the exit code still tells.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match arguments.part {
        Part::Agent(arguments) => agent::main(arguments),
        Part::Keep(arguments) => keeper::main(&arguments),
        Part::Bridge(arguments) => bridge::main(&arguments),
        Part::Connect(arguments) => connect::main(&arguments),
        Part::Console(arguments) => console::main(&arguments),
        Part::Seclude(arguments) => seclusion::main(&arguments),
        Part::Role(role) => role.run().unwrap_or_else(|error| fail(&error)),
        Part::Capture(arguments) => capture::main(arguments),
    }
}

/// Says on standard error why a part could not do its work, and returns the exit code for that.
pub(crate) fn fail(why: &dyn std::fmt::Display) -> ExitCode {
    use std::io::Write;
    // Where even standard error is gone, the exit code still tells.
    let _ = writeln!(std::io::stderr(), "node: {why}");
    ExitCode::FAILURE
}
