//! Programs in the nodes of a lab.

use std::collections::BTreeMap;

use orchestrator::control::{Control, Process, ProcessEvent};
use protocol::control::{Command, Exit, Lifetime, Program as What, Stream};
use protocol::role::RoleEvent;

use crate::error::BenchError;

/// A program at work.
#[derive(Debug)]
pub(super) struct Program {
    process: Process,
    printed: Vec<u8>,
    complaints: Vec<u8>,
    exit: Option<Exit>,
}

impl Program {
    /// Starts a role of our binary.
    pub(super) async fn role(control: &Control, words: &[&str]) -> Result<Self, BenchError> {
        let words = words.iter().map(|&word| word.to_owned()).collect();
        Self::start(control, What::Role(words)).await
    }

    /// Starts a script in Python.
    pub(super) async fn python(
        control: &Control,
        script: &str,
        words: &[&str],
    ) -> Result<Self, BenchError> {
        let command = [&["/usr/bin/python3", "-c", script], words].concat();
        let command = command.iter().map(|&word| word.to_owned()).collect();
        Self::start(control, What::Own(command)).await
    }

    async fn start(control: &Control, program: What) -> Result<Self, BenchError> {
        let process = control.start(Command {
            program,
            env: BTreeMap::new(),
            directory: None,
            terminal: None,
            lifetime: Lifetime::Connection,
        });
        Ok(Self {
            process: process.await?,
            printed: Vec::new(),
            complaints: Vec::new(),
            exit: None,
        })
    }

    /// The next line that it prints; none once it has ended.
    pub(super) async fn line(&mut self) -> Result<Option<String>, BenchError> {
        loop {
            if let Some(end) = self.printed.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.printed.drain(..=end).collect();
                return Ok(Some(String::from_utf8_lossy(&line).trim().to_owned()));
            }
            if self.exit.is_some() {
                return Ok(None);
            }
            match self.process.next().await? {
                ProcessEvent::Printed(Stream::Error, bytes) => self.complaints.extend(bytes),
                ProcessEvent::Printed(_, bytes) => self.printed.extend(bytes),
                ProcessEvent::Exited(exit) => self.exit = Some(exit),
            }
        }
    }

    /// The next event of a role.
    pub(super) async fn event(&mut self) -> Result<Option<RoleEvent>, BenchError> {
        let Some(line) = self.line().await? else {
            return Ok(None);
        };
        let event = serde_json::from_str(&line).map_err(|error| wrong(&line, &error))?;
        match event {
            RoleEvent::Failed { reason } => Err(BenchError::Wrong(reason)),
            event => Ok(Some(event)),
        }
    }

    /// All events of a role up to its end, which must be a good one.
    pub(super) async fn events(mut self) -> Result<Vec<RoleEvent>, BenchError> {
        let mut events = Vec::new();
        while let Some(event) = self.event().await? {
            events.push(event);
        }
        self.ended_well()?;
        Ok(events)
    }

    /// Says what it complained of, if it did not end well.
    pub(super) fn ended_well(&self) -> Result<(), BenchError> {
        if self.exit == Some(Exit::Code(0)) {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&self.complaints).trim().to_owned();
        Err(BenchError::Wrong(format!(
            "it ended with {:?}: {said}",
            self.exit
        )))
    }

    /// Sends it a signal.
    pub(super) async fn signal(&self, signal: i32) -> Result<(), BenchError> {
        Ok(self.process.handle().signal(signal).await?)
    }
}

fn wrong(line: &str, error: &serde_json::Error) -> BenchError {
    BenchError::Wrong(format!("it printed `{line}`: {error}"))
}
