//! The command lines of the stress clients.

use std::net::SocketAddr;
use std::time::Duration;

use protocol::name::FileName;
use protocol::stress::{Operation, Workers};

use crate::quantity::{buffer, bytes, time, time_word};

/// Arguments of `node stress`.
#[derive(Debug, clap::Args)]
pub struct StressArguments {
    /// The kind of client.
    #[arg(long, default_value_t)]
    pub model: Workers,
    /// The number of clients, all at once.
    #[arg(long, default_value = "1", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub workers: u32,
    /// The options of each client.
    #[command(flatten)]
    pub client: ClientOptions,
}

/// Arguments of a client that is a process.
#[derive(Debug, clap::Args)]
pub struct StressWorkerArguments {
    /// The client's number.
    #[arg(long)]
    pub number: u32,
    /// The hash that a download must have.
    #[arg(long)]
    pub expected: Option<String>,
    /// The client's options.
    #[command(flatten)]
    pub client: ClientOptions,
}

/// The options of each client.
#[derive(Debug, Clone, clap::Args)]
pub struct ClientOptions {
    /// The server's address and port.
    #[arg(long)]
    pub server: SocketAddr,
    /// Store a file of one's own, or fetch one that is the same for all.
    #[arg(long)]
    pub operation: Operation,
    /// The length of each file, in bytes.
    #[arg(long, value_parser = bytes)]
    pub size: u64,
    /// The seed of the files' random bytes.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// The prefix of the files' names: `stress-3.bin` is client 3's, `stress.bin` is fetched.
    #[arg(long, default_value = "stress")]
    pub prefix: FileName,
    /// A client that makes no progress for so long has failed. Waiting for a worker of the server is
    /// no progress.
    #[arg(long, default_value = "600s", value_parser = time)]
    pub patience: Duration,
    /// Bytes that are read or written at once; a client needs about twice as much memory.
    #[arg(long, default_value = "256KiB", value_parser = buffer)]
    pub buffer: usize,
}

impl ClientOptions {
    /// The words that give these arguments to a client.
    pub(super) fn words(&self) -> Vec<String> {
        [
            ("--server", self.server.to_string()),
            ("--operation", self.operation.to_string()),
            ("--size", self.size.to_string()),
            ("--seed", self.seed.to_string()),
            ("--prefix", self.prefix.to_string()),
            ("--patience", time_word(self.patience)),
            ("--buffer", self.buffer.to_string()),
        ]
        .into_iter()
        .flat_map(|(flag, value)| [flag.to_owned(), value])
        .collect()
    }
}
