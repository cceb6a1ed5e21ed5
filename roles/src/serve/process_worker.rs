//! A worker that is a process, seen from the one that started it.

use std::io;
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::sync::Arc;

use plumbing::endpoint::Endpoint;
use plumbing::handover;
use tokio::sync::mpsc;

use super::options::Service;
use super::report::WorkerMessage;
use super::storage::Storage;
use crate::worker::{self, WorkerProcess};

/// News of a process: a message, or that it ended. Comes with its number, and with a second number that
/// tells it from the other processes that had the first one.
pub(super) type ProcessNews = (u32, u64, Option<WorkerMessage>);

/// A process at work. It is killed when this is dropped.
#[derive(Debug)]
pub(super) struct ProcessWorker {
    process: WorkerProcess,
    socket: Arc<Endpoint>,
    pub(super) life: u64,
    pub(super) ready: bool,
    pub(super) serving: bool,
}

impl ProcessWorker {
    /// Starts this program once more, and hands it the directory, whose path may mean another one by now.
    /// Its messages come through `heard`.
    pub(super) fn start(
        (number, life): (u32, u64),
        service: &Service,
        storage: &Storage,
        heard: mpsc::Sender<ProcessNews>,
    ) -> io::Result<Self> {
        let (ours, theirs) = handover::pair()?;
        handover::send(&ours, b"directory", Some(&storage.directory))?;
        let mut command = worker::command("serve-worker");
        command
            .args(["--number", &number.to_string()])
            .args(["--server", &std::process::id().to_string()])
            .args(service.words())
            .stdin(theirs)
            .stdout(Stdio::null());
        let process = WorkerProcess::start(command)?;
        let socket = Arc::new(Endpoint::new(ours)?);
        tokio::spawn(listen(Arc::clone(&socket), number, life, heard));
        Ok(Self {
            process,
            socket,
            life,
            ready: false,
            serving: false,
        })
    }

    /// Hands a connection over, which is then closed here.
    pub(super) fn give(&mut self, connection: TcpStream) -> Result<(), TcpStream> {
        match handover::send(&*self.socket, b"serve", Some(&connection)) {
            Ok(()) => {
                self.serving = true;
                Ok(())
            }
            // It has ended, which will be heard.
            Err(_) => Err(connection),
        }
    }

    /// Tells it that no further connection will come.
    pub(super) fn drain(&self) {
        // Where it has ended already, it knows.
        let _ = handover::end(&*self.socket);
    }

    pub(super) fn process(&self) -> u32 {
        self.process.child.id()
    }

    /// Returns the cause of its death, once it has closed its socket.
    pub(super) fn bury(mut self) -> io::Result<String> {
        // Whatever closed its socket without an end has no business here.
        self.process.child.kill()?;
        let status = self.process.child.wait()?;
        let ended = if status.signal().is_some() {
            "was ended by"
        } else {
            "ended with"
        };
        Ok(format!("it {ended} {}", worker::ending(status)))
    }
}

/// Tells what a process says, until it ends.
async fn listen(socket: Arc<Endpoint>, number: u32, life: u64, heard: mpsc::Sender<ProcessNews>) {
    let mut buffer = vec![0; LONGEST_MESSAGE];
    loop {
        let message = match socket.read(&mut buffer).await {
            Ok(count) if count > 0 => serde_json::from_slice(&buffer[..count]).ok(),
            _ => None,
        };
        let ended = message.is_none();
        if heard.send((number, life, message)).await.is_err() || ended {
            return;
        }
    }
}

/// More than a name and all reasons can take.
pub(super) const LONGEST_MESSAGE: usize = 8 << 10;
