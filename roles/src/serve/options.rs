//! The command lines of the file server.

use std::net::{IpAddr, Ipv6Addr};
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use protocol::stress::Workers;

use crate::quantity::{buffer, bytes, time, time_word};

/// Arguments of `node serve`.
#[derive(Debug, clap::Args)]
pub struct ServeArguments {
    /// The address to listen on; default: all.
    #[arg(long, default_value_t = IpAddr::V6(Ipv6Addr::UNSPECIFIED))]
    pub address: IpAddr,
    /// The TCP port to listen on; 0: any that is free.
    #[arg(long, default_value_t = 46_666)]
    pub port: u16,
    /// The kind of worker.
    #[arg(long, default_value_t)]
    pub model: Workers,
    /// Where the files are; made if it is not there. Nobody else writes there.
    #[arg(long)]
    pub directory: PathBuf,
    /// The number of connections served at once; the others wait.
    #[arg(long, default_value = "5", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub workers: u32,
    /// The number of connections that may be open, including those that wait; more are refused.
    #[arg(long, default_value = "4096", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub connections: u32,
    /// The time that requests already begun may take to end once the server is to end.
    #[arg(long, default_value = "10s", value_parser = time)]
    pub drain: Duration,
    /// The settings of each connection.
    #[command(flatten)]
    pub service: Service,
}

/// Arguments of a worker that is a process.
#[derive(Debug, clap::Args)]
pub struct ServeWorkerArguments {
    /// The settings of each connection.
    #[command(flatten)]
    pub service: Service,
    /// The worker's number.
    #[arg(long)]
    pub number: u32,
    /// The server's process number.
    #[arg(long)]
    pub server: u32,
}

/// The settings of each connection.
#[derive(Debug, Clone, clap::Args)]
pub struct Service {
    /// When an uploaded file must be on the disk.
    #[arg(long, value_enum, default_value_t)]
    pub sync: Sync,
    /// Print each file that is stored, with its hash.
    #[arg(long)]
    pub report: bool,
    /// Count on the original lab's clients: find files by their names in lower case where the name as it
    /// is finds none, and take a DELETE too as whole after --silence.
    #[arg(long)]
    pub compat: bool,
    /// The longest file that may be uploaded, in bytes.
    #[arg(long, default_value = "4GiB", value_parser = bytes)]
    pub max_file: u64,
    /// The longest request line, contents not counted, in bytes.
    #[arg(long, default_value = "4096", value_parser = clap::value_parser!(u32).range(16..=65_536))]
    pub max_line: u32,
    /// A connection that makes no progress for so long is closed; of a request line, only its end is
    /// progress.
    #[arg(long, default_value = "30s", value_parser = time)]
    pub idle: Duration,
    /// The least number of bytes of a content or a reply that counts as progress, unless it ends.
    #[arg(long, default_value = "16KiB", value_parser = bytes)]
    pub slowest: u64,
    /// LIST, GET or DOWNLOAD without a line's end counts as whole after so long a silence, and DELETE,
    /// which a late rest of the line might turn against the wrong file, only with --compat.
    #[arg(long, default_value = "200ms", value_parser = time)]
    pub silence: Duration,
    /// Bytes that are read or written at once; a connection needs about three times as much memory.
    #[arg(long, default_value = "256KiB", value_parser = buffer)]
    pub buffer: usize,
}

/// When an uploaded file must be on the disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Sync {
    /// When the kernel thinks fit.
    #[default]
    None,
    /// Its content, before it has its name.
    File,
    /// Its name too, before the upload is acknowledged.
    All,
}

impl Service {
    /// The words that give these arguments to a worker.
    pub(super) fn words(&self) -> Vec<std::ffi::OsString> {
        let mut words = Vec::new();
        let sync = self.sync.to_possible_value();
        for (flag, value) in [
            (
                "--sync",
                sync.map_or_else(String::new, |value| value.get_name().to_owned()),
            ),
            ("--max-file", self.max_file.to_string()),
            ("--max-line", self.max_line.to_string()),
            ("--idle", time_word(self.idle)),
            ("--slowest", self.slowest.to_string()),
            ("--silence", time_word(self.silence)),
            ("--buffer", self.buffer.to_string()),
        ] {
            words.extend([flag.into(), value.into()]);
        }
        words.extend(self.report.then(|| "--report".into()));
        words.extend(self.compat.then(|| "--compat".into()));
        words
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, FromArgMatches, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Worker {
        #[command(flatten)]
        arguments: ServeWorkerArguments,
    }

    #[test]
    fn a_worker_understands_what_it_is_given() {
        let read = |words: Vec<std::ffi::OsString>| {
            let line = ["worker", "--number", "3", "--server", "1"].map(std::ffi::OsString::from);
            let matches = Worker::command().try_get_matches_from(line.into_iter().chain(words));
            Worker::from_arg_matches(&matches.unwrap())
                .unwrap()
                .arguments
        };
        let words = "--sync all --report --compat --max-file 5 --max-line 99 \
                     --idle 1s --slowest 7 --silence 2ms --buffer 8KiB";
        let service = read(words.split_whitespace().map(Into::into).collect()).service;
        let again = read(service.words()).service;
        assert_eq!(format!("{service:?}"), format!("{again:?}"));
    }
}
