//! A command that is watched while it runs.

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A command that runs, and what it says on standard error. It is killed when this is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    lines: Receiver<String>,
    said: Vec<String>,
}

/// How it ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Everything that it said on standard error.
    pub said: String,
}

impl Running {
    /// Starts a command.
    pub fn start(mut command: Command) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            let mut lines = stderr.lines().map_while(Result::ok);
            lines.try_for_each(|line| sender.send(line))
        });
        Self {
            child,
            lines,
            said: Vec::new(),
        }
    }

    /// Waits until it says something with these words.
    pub fn await_words(&mut self, words: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.said.last().is_some_and(|line| line.contains(words)) {
            match self.lines.recv_timeout(until - Instant::now()) {
                Ok(line) => self.said.push(line),
                Err(why) => panic!("it never said {words:?} ({why}) but: {:#?}", self.said),
            }
        }
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    /// Waits until it ends.
    pub fn ended(mut self) -> Ended {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(until - Instant::now()) {
                Ok(line) => self.said.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it goes on: {:#?}", self.said),
            }
        }
        let status = self.child.wait().unwrap();
        Ended {
            code: status.code(),
            signal: status.signal(),
            said: self.said.join("\n"),
        }
    }

    /// Kills it, as nothing that it could catch would.
    pub fn killed(self) {
        self.signal(Signal::SIGKILL);
        let ended = self.ended();
        assert_eq!(ended.signal, Some(9), "{ended:?}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

const PATIENCE: Duration = Duration::from_mins(1);
