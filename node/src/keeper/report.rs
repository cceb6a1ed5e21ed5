//! The progress reports of nodes that are being made. They share a pipe to the keeper and write one line of
//! JSON each, short enough for the kernel to write it in one piece (`PIPE_BUF`, pipe(7)).

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

use protocol::keeper::KeeperFailure;
use serde::{Deserialize, Serialize};

/// A progress report of a node.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Report {
    /// The node's number.
    pub(super) node: usize,
    /// Its progress.
    pub(super) progress: Progress,
}

/// The progress of a node.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Progress {
    /// Its network namespace exists, so interfaces can be put there.
    HasNetwork,
    /// All that it makes is made; its agent is about to answer.
    Ready,
    /// It cannot be made.
    Failed(KeeperFailure),
}

/// The end of the pipe that a node tells its progress through.
#[derive(Debug)]
pub(super) struct Reporter {
    pipe: PipeWriter,
    node: usize,
}

/// The keeper's end.
#[derive(Debug)]
pub(super) struct Reports {
    pipe: PipeReader,
    received: Vec<u8>,
}

impl Reporter {
    /// A node's own end.
    pub(super) fn new(pipe: &PipeWriter, node: usize) -> io::Result<Self> {
        let pipe = pipe.try_clone()?;
        Ok(Self { pipe, node })
    }

    /// Tells the keeper.
    pub(super) fn tell(&mut self, mut progress: Progress) -> io::Result<()> {
        if let Progress::Failed(failure) = &mut progress {
            failure.step = shortened(&failure.step);
            failure.reason = shortened(&failure.reason);
        }
        let node = self.node;
        let mut line = serde_json::to_vec(&Report { node, progress })?;
        line.push(b'\n');
        self.pipe.write_all(&line)
    }
}

impl Reports {
    /// A pipe: its end for the keeper, and one to make nodes' ends from.
    pub(super) fn pipe() -> io::Result<(Self, PipeWriter)> {
        let (reader, writer) = io::pipe()?;
        let reports = Self {
            pipe: reader,
            received: Vec::new(),
        };
        Ok((reports, writer))
    }

    /// Waits for reports and returns all that have come.
    pub(super) fn receive(&mut self) -> io::Result<Vec<Report>> {
        let mut chunk = [0; 16 << 10];
        let length = self.pipe.read(&mut chunk)?;
        self.received.extend_from_slice(&chunk[..length]);
        let whole = self.received.iter().rposition(|&byte| byte == b'\n');
        let lines: Vec<u8> = self
            .received
            .drain(..whole.map_or(0, |at| at + 1))
            .collect();
        lines
            .split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).map_err(io::Error::from))
            .collect()
    }
}

impl AsFd for Reports {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

/// Long paths must not make a report longer than the kernel writes in one piece.
fn shortened(text: &str) -> String {
    text.chars().take(LONGEST_TEXT).collect()
}

/// Characters. A character takes up to six bytes in JSON, and two texts and the rest must stay below
/// 4 096 bytes.
const LONGEST_TEXT: usize = 300;
