//! The command lines of the transfer roles.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;
use std::time::Duration;

use protocol::name::{FileName, InterfaceName};
use protocol::task::{Framing, Model};

use super::job::Job;
use crate::broadcast::{DROP, Dropping};
use crate::quantity::{time_or_none, time_word};

/// Arguments of `node send`.
#[derive(Debug, clap::Args)]
pub struct SendArguments {
    /// The concurrency model that spreads the work.
    #[arg(long, default_value_t)]
    pub model: Model,
    /// The most processes at once, where a file has a process or its share of one.
    #[arg(long, default_value = "20", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub processes: u32,
    /// The threads that tasks share.
    #[arg(long, default_value = "4", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub workers: u32,
    /// The options of each task.
    #[command(flatten)]
    pub options: TaskOptions,
    /// A file and where it is sent, as in /root/data.jpg=192.168.122.255:5005; several with several
    /// `--task`.
    #[arg(long = "task", required = true)]
    pub jobs: Vec<Job>,
}

/// Arguments of `node send-worker`, which `node send` starts.
#[derive(Debug, clap::Args)]
pub struct WorkerArguments {
    /// Do the tasks concurrently, on a runtime with this process's one thread.
    #[arg(long)]
    pub concurrent: bool,
    /// The options of each task.
    #[command(flatten)]
    pub options: TaskOptions,
    /// The tasks.
    #[arg(long = "task", required = true)]
    pub jobs: Vec<Job>,
}

/// The options of each task.
#[derive(Debug, Clone, clap::Args)]
pub struct TaskOptions {
    /// The layout of a file in datagrams.
    #[arg(long)]
    pub framing: Framing,
    /// The interface to send on; default: the one that the routes choose.
    #[arg(long)]
    pub interface: Option<InterfaceName>,
    /// The receivers that must prove that the files arrived, where receivers do; default: those that a task
    /// is sent to.
    #[arg(long, value_delimiter = ',')]
    pub receivers: Vec<Ipv4Addr>,
    /// The pause of a task after its file, as if it had more to do.
    #[arg(long, default_value = "0s", value_parser = time_or_none)]
    pub pause: Duration,
    /// A task that is not done by then is late.
    #[arg(long, default_value = "10s", value_parser = time_or_none)]
    pub deadline: Duration,
    /// The seed of random numbers; default: a new one each time.
    #[arg(long)]
    pub seed: Option<u32>,
    /// Loses a share of the datagrams that arrive, as in 20%:7 with the seed 7.
    #[arg(long, hide = true, env = DROP)]
    pub drop: Option<Dropping>,
}

/// Arguments of `node receive`.
#[derive(Debug, clap::Args)]
pub struct ReceiveArguments {
    /// `datagram`: each is a file, img1.jpg, img2.jpg and so on; `byte`: all are one file.
    #[arg(long)]
    pub framing: Framing,
    /// The UDP port to listen on.
    #[arg(long, default_value_t = 5005)]
    pub port: u16,
    /// The address to listen on.
    #[arg(long, default_value_t = Ipv4Addr::UNSPECIFIED)]
    pub address: Ipv4Addr,
    /// The interface to listen on; default: all.
    #[arg(long)]
    pub interface: Option<InterfaceName>,
    /// Where the files go; made if it is not there.
    #[arg(long)]
    pub directory: PathBuf,
    /// Bytes of the buffer that a datagram is received into; the rest of a longer one is lost.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=65_535))]
    pub buffer: Option<u64>,
    /// The one file's name, where bytes are received.
    #[arg(long, default_value = "server1.jpg")]
    pub name: FileName,
    /// The silence after which it is over, once the sender has said that all was sent but not all came.
    #[arg(long, default_value = "1s", value_parser = time_or_none)]
    pub quiet: Duration,
    /// Loses a share of the datagrams that arrive, as in 20%:7 with the seed 7.
    #[arg(long, hide = true, env = DROP)]
    pub drop: Option<Dropping>,
}

impl TaskOptions {
    /// The words that give these arguments to a worker.
    pub(super) fn words(&self) -> Vec<String> {
        let mut words = vec!["--framing".to_owned(), self.framing.to_string()];
        if let Some(interface) = &self.interface {
            words.extend(["--interface".to_owned(), interface.to_string()]);
        }
        if !self.receivers.is_empty() {
            let receivers: Vec<_> = self.receivers.iter().map(ToString::to_string).collect();
            words.extend(["--receivers".to_owned(), receivers.join(",")]);
        }
        if let Some(seed) = self.seed {
            words.extend(["--seed".to_owned(), seed.to_string()]);
        }
        for (flag, length) in [("--pause", self.pause), ("--deadline", self.deadline)] {
            words.extend([flag.to_owned(), time_word(length)]);
        }
        words
    }
}

impl std::str::FromStr for Job {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || "write FILE=ADDRESS:PORT, as in /root/data.jpg=10.0.0.255:5005".to_owned();
        let (path, to) = text.rsplit_once('=').ok_or_else(form)?;
        let to: SocketAddrV4 = to.parse().map_err(|_| form())?;
        Self::new(PathBuf::from(path), to).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_a_file_and_an_address() {
        let job: Job = "/root/a=b.jpg=10.0.0.255:5005".parse().unwrap();
        assert_eq!(job.path, PathBuf::from("/root/a=b.jpg"));
        assert_eq!(job.to.port(), 5005);
        assert_eq!(job.word().parse::<Job>().unwrap(), job);
        for bad in [
            "",
            "a",
            "a=",
            "=10.0.0.1:5",
            "a=10.0.0.1",
            "a=x:5",
            "..=10.0.0.1:5",
        ] {
            assert!(bad.parse::<Job>().is_err(), "{bad}");
        }
    }
}
