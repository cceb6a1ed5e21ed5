//! All roles, each as a subcommand of `node`.

use std::io;
use std::process::ExitCode;

use clap::Subcommand;

use crate::{broadcast, converse, http, serve, stress, transfer};

/// A program that runs on the test bed, with its arguments.
#[derive(Debug, Subcommand)]
pub enum Role {
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
}

impl Role {
    /// Runs the role to its end and returns its exit code.
    ///
    /// # Errors
    /// Returns the exit code of a worker. A worker prints no reason itself, since its output is for the process that
    /// started it.
    pub fn run(self) -> io::Result<ExitCode> {
        Ok(match self {
            Self::BroadcastSend(arguments) => broadcast::send(arguments),
            Self::BroadcastReceive(arguments) => broadcast::receive(arguments),
            Self::Send(arguments) => transfer::send(&arguments),
            Self::SendWorker(arguments) => transfer::work(&arguments)?,
            Self::Receive(arguments) => transfer::receive(&arguments),
            Self::Origin(arguments) => http::serve(&arguments),
            Self::Download(arguments) => http::download(&arguments),
            Self::Serve(arguments) => serve::serve(&arguments),
            Self::ServeWorker(arguments) => serve::work(&arguments)?,
            Self::Stress(arguments) => stress::stress(&arguments),
            Self::StressWorker(arguments) => stress::work(&arguments)?,
            Self::Converse(arguments) => converse::converse(&arguments),
            Self::Fill(arguments) => stress::fill(&arguments),
            Self::Digest(arguments) => stress::digest(&arguments),
            Self::Discard(arguments) => stress::discard(&arguments),
        })
    }
}
