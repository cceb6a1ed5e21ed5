//! The keeper of a lab that this process raises.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use plumbing::process::ProcessIdentity;
use protocol::frame::Frame;
use protocol::keeper::{FromKeeper, KeeperFailure, LabSpec, MARK, ToKeeper};
use protocol::role::PROGRAM;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::plan::LabId;

/// The connection to a keeper. If it is dropped before the lab was kept, the keeper ends, and so does the lab.
#[derive(Debug)]
pub(super) struct Keeper {
    socket: UnixStream,
    received: Vec<u8>,
    log: PathBuf,
}

/// The reason why a keeper did not carry out an order.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeeperError {
    /// It failed, and gave the reason. Nothing of the lab is left.
    #[error(transparent)]
    Failed(#[from] KeeperFailure),
    /// It could not be started, or the connection broke.
    #[error("{action}: {source}")]
    System {
        /// The step that failed.
        action: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// It ended unexpectedly.
    #[error("the lab's keeper ended unexpectedly{}", last_words(.0))]
    Ended(String),
    /// It sent an unexpected message.
    #[error("the lab's keeper answered something unexpected")]
    Confused,
}

impl Keeper {
    /// Starts a keeper in `folder`, where the agents' sockets will be. It does nothing until it is told to raise
    /// the lab. If it is never told, it ends.
    pub(super) fn start(
        program: &Path,
        folder: &Path,
        lab: &LabId,
    ) -> Result<(Self, ProcessIdentity), KeeperError> {
        let starting = system("starting the lab's keeper");
        let (ours, its) = std::os::unix::net::UnixStream::pair().map_err(starting)?;
        ours.set_nonblocking(true).map_err(starting)?;
        let log = folder.join("keeper.log");
        let command = command(program, folder, &log, &lab.to_string(), its.into());
        let process = spawn(command.map_err(starting)?).map_err(starting)?;
        let keeper = Self {
            socket: UnixStream::from_std(ours).map_err(starting)?,
            received: Vec::new(),
            log,
        };
        Ok((keeper, process))
    }

    /// Tells it to raise the lab.
    pub(super) async fn raise(&mut self, spec: LabSpec) -> Result<(), KeeperError> {
        self.tell(&ToKeeper::Raise(Box::new(spec))).await
    }

    /// Waits until the lab is up. Returns the limits that cannot be enforced, in words.
    pub(super) async fn raised(&mut self) -> Result<Vec<String>, KeeperError> {
        match self.hear().await? {
            FromKeeper::Raised { warnings } => Ok(warnings),
            FromKeeper::Failed(failure) => {
                // The keeper closes its end once everything is gone.
                while let Ok(FromKeeper::Failed(_)) = self.hear().await {}
                Err(failure.into())
            }
            FromKeeper::Kept => Err(KeeperError::Confused),
        }
    }

    /// Leaves the lab up without this process.
    pub(super) async fn keep(&mut self) -> Result<(), KeeperError> {
        self.tell(&ToKeeper::Keep).await?;
        match self.hear().await? {
            FromKeeper::Kept => Ok(()),
            _ => Err(KeeperError::Confused),
        }
    }

    async fn tell(&mut self, message: &ToKeeper) -> Result<(), KeeperError> {
        let telling = system("speaking with the lab's keeper");
        let mut bytes = Vec::new();
        let json = serde_json::to_vec(message).map_err(|error| telling(error.into()))?;
        Frame::Message(json).encode(&mut bytes);
        match self.socket.write_all(&bytes).await {
            // It ended before it had read everything. Its earlier messages tell more.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other.map_err(telling),
        }
    }

    async fn hear(&mut self) -> Result<FromKeeper, KeeperError> {
        let hearing = system("listening to the lab's keeper");
        loop {
            let decoded = Frame::decode(&self.received);
            let decoded = decoded.map_err(|error| hearing(io::Error::other(error)))?;
            if let Some((Frame::Message(json), length)) = decoded {
                self.received.drain(..length);
                return serde_json::from_slice(&json).map_err(|error| hearing(error.into()));
            }
            match self.socket.read_buf(&mut self.received).await {
                Ok(0) => return Err(KeeperError::Ended(last_line(&self.log))),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                    return Err(KeeperError::Ended(last_line(&self.log)));
                }
                Err(error) => return Err(hearing(error)),
            }
        }
    }
}

/// Starts the keeper, and a thread that waits for its end, so that no zombie is left. The thread does not keep
/// this process from ending.
///
/// The keeper has started when this returns, so its birth can be recorded.
fn spawn(mut command: Command) -> io::Result<ProcessIdentity> {
    let (started, child) = mpsc::channel::<Child>();
    std::thread::Builder::new()
        .name("keeper".to_owned())
        .spawn(move || child.recv().map(|mut child| child.wait()))?;
    let child = command.spawn()?;
    // Until it is waited for, it has a number, even if it has ended.
    let process = ProcessIdentity::of(child.id());
    started.send(child).map_err(io::Error::other)?;
    process
}

fn command(
    program: &Path,
    folder: &Path,
    log: &Path,
    lab: &str,
    socket: OwnedFd,
) -> io::Result<Command> {
    let mut options = OpenOptions::new();
    let log: File = options.create(true).append(true).mode(0o600).open(log)?;
    let mut command = Command::new(program);
    // The blanks make room for the nodes' names, which `ps` shows in place of the arguments.
    command
        .arg0(PROGRAM)
        .args(["keep", "--lab", &format!("{lab:TITLE_WIDTH$}")])
        .current_dir(folder)
        .env_clear()
        .env(MARK, lab)
        .env("HOME", "/root")
        .env("USER", "root")
        .stdin(socket)
        .stdout(Stdio::null())
        .stderr(log);
    for name in PASSED_ON {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    if std::env::var_os("PATH").is_none() {
        command.env("PATH", DEFAULT_PATH);
    }
    Ok(command)
}

fn system(action: &'static str) -> impl Fn(io::Error) -> KeeperError + Copy {
    move |source| KeeperError::System { action, source }
}

/// Returns the end of the keeper's log, which explains an end without a message.
fn last_line(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.lines().next_back().unwrap_or_default().to_owned()
}

fn last_words(line: &str) -> String {
    match line {
        "" => String::new(),
        line => format!("; its last words: {line}"),
    }
}

/// The variables of this process's environment that nodes' programs get too.
const PASSED_ON: [&str; 9] = [
    "PATH",
    "LANG",
    "LC_ALL",
    "TERM",
    "TZ",
    "NVM_DIR",
    "PYENV_ROOT",
    "PYENV_VERSION",
    "RUSTUP_HOME",
];

const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Characters: a node's name has at most 63.
const TITLE_WIDTH: usize = 80;
