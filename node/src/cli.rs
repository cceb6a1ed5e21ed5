//! The node's command line: one subcommand for each part.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{
    agent, bridge, broadcast, capture, connect, console, converse, http, keeper, serve, stress,
    transfer,
};

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
    /// Send files by broadcast until every receiver has them.
    BroadcastSend(broadcast::SendArguments),
    /// Receive files sent by broadcast.
    BroadcastReceive(broadcast::ReceiveArguments),
    /// Send files, each a task, under one of five concurrency models.
    Send(transfer::SendArguments),
    /// Do some of the tasks of a sender that is made of processes.
    #[command(hide = true)]
    SendWorker(transfer::WorkerArguments),
    /// Receive datagrams that carry no file names, as the original labs' servers did.
    Receive(transfer::ReceiveArguments),
    /// Serve a folder's files over HTTP.
    Origin(http::OriginArguments),
    /// Fetch files over HTTP.
    Download(http::DownloadArguments),
    /// Serve the files of a folder, which clients list, fetch, store and delete.
    Serve(serve::ServeArguments),
    /// Serve connections that are handed over by a server that is made of processes.
    #[command(hide = true)]
    ServeWorker(serve::ServeWorkerArguments),
    /// Put a file server under load: so many clients at once, each storing or fetching a file.
    Stress(stress::StressArguments),
    /// Be one of the clients, where each is a process.
    #[command(hide = true)]
    StressWorker(stress::StressWorkerArguments),
    /// Give commands to a file server, one for each line of standard input, and tell of the replies.
    Converse(converse::ConverseArguments),
    /// Make files of random bytes for clients to fetch.
    Fill(stress::FillArguments),
    /// Hash files where they lie.
    Digest(stress::DigestArguments),
    /// Remove files.
    Discard(stress::DiscardArguments),
    /// Write an interface's frames to standard output as pcapng.
    Capture(capture::Arguments),
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
        Part::BroadcastSend(arguments) => broadcast::send(arguments),
        Part::BroadcastReceive(arguments) => broadcast::receive(arguments),
        Part::Send(arguments) => transfer::send(&arguments),
        Part::SendWorker(arguments) => transfer::work(&arguments),
        Part::Receive(arguments) => transfer::receive(&arguments),
        Part::Origin(arguments) => http::serve(&arguments),
        Part::Download(arguments) => http::download(&arguments),
        Part::Serve(arguments) => serve::serve(&arguments),
        Part::ServeWorker(arguments) => serve::work(&arguments),
        Part::Stress(arguments) => stress::stress(&arguments),
        Part::StressWorker(arguments) => stress::work(&arguments),
        Part::Converse(arguments) => converse::converse(&arguments),
        Part::Fill(arguments) => stress::fill(&arguments),
        Part::Digest(arguments) => stress::digest(&arguments),
        Part::Discard(arguments) => stress::discard(&arguments),
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
