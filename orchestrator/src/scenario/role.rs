//! The node's own programs.

use std::collections::BTreeMap;

use protocol::control::{Command, Exit, Lifetime, Program, Stream};
use protocol::role::RoleEvent;

use crate::control::process::ProcessHandle;
use crate::control::{Control, ControlError, Process, ProcessEvent};

use super::printed::{Line, Printed};

/// A running role.
#[derive(Debug)]
pub struct Role {
    process: Process,
    printed: Printed,
    complaints: Vec<u8>,
}

/// An event of a role.
#[derive(Debug)]
pub enum RoleStep {
    /// It printed an event.
    Event(RoleEvent),
    /// It ended; the text is what it wrote on standard error, or the line that was no event, or why it was ended
    /// before it had printed more.
    Ended(Exit, String),
}

impl Role {
    /// Starts a role of the node binary, with these variables on top of the node's own.
    ///
    /// # Errors
    /// If it cannot be started.
    pub async fn start(
        control: &Control,
        env: BTreeMap<String, String>,
        arguments: Vec<String>,
    ) -> Result<Self, ControlError> {
        let command = Command {
            program: Program::Role(arguments),
            env,
            directory: None,
            terminal: None,
            lifetime: Lifetime::Connection,
        };
        let process = control.start(command).await?;
        Ok(Self {
            process,
            printed: Printed::default(),
            complaints: Vec::new(),
        })
    }

    /// Returns a handle to control it.
    pub fn handle(&self) -> ProcessHandle {
        self.process.handle()
    }

    /// Returns its next event.
    ///
    /// # Errors
    /// If the connection ended first.
    pub async fn next(&mut self) -> Result<RoleStep, ControlError> {
        loop {
            match self.printed.next() {
                Ok(Some(Line::Event(event))) => return Ok(RoleStep::Event(event)),
                Ok(Some(Line::Words(words))) => {
                    self.complain(&words);
                    continue;
                }
                Ok(None) => {}
                Err(excess) => {
                    self.give_up();
                    return Ok(RoleStep::Ended(Exit::Signal(SIGKILL), excess.to_string()));
                }
            }
            match self.process.next().await? {
                ProcessEvent::Printed(Stream::Error, bytes) => self.complain(&bytes),
                ProcessEvent::Printed(_, bytes) => self.printed.add(&bytes),
                ProcessEvent::Exited(exit) => {
                    let complaints = String::from_utf8_lossy(&self.complaints).trim().to_owned();
                    return Ok(RoleStep::Ended(exit, complaints));
                }
            }
        }
    }

    /// Everything that it prints until its end; an error says why that was a bad one, in words.
    ///
    /// # Errors
    /// If the connection ended first.
    pub async fn events(mut self) -> Result<(Vec<RoleEvent>, Result<(), String>), ControlError> {
        let (mut events, mut failure) = (Vec::new(), None);
        loop {
            match self.next().await? {
                RoleStep::Event(RoleEvent::Failed { reason }) => failure = failure.or(Some(reason)),
                RoleStep::Event(event) => events.push(event),
                RoleStep::Ended(Exit::Code(0), _) => return Ok((events, Ok(()))),
                RoleStep::Ended(exit, complaints) => {
                    let ended = || format!("it {}", ended(exit, &complaints));
                    return Ok((events, Err(failure.unwrap_or_else(ended))));
                }
            }
        }
    }

    /// Waits until it is at work; an error says what it did instead, in words.
    ///
    /// # Errors
    /// If the connection ended first.
    pub async fn ready(&mut self) -> Result<Result<(), String>, ControlError> {
        Ok(match self.next().await? {
            RoleStep::Event(RoleEvent::Ready) => Ok(()),
            RoleStep::Event(RoleEvent::Failed { reason }) => Err(reason),
            RoleStep::Event(_) => Err("it told something else first".to_owned()),
            RoleStep::Ended(exit, complaints) => Err(format!("it {}", ended(exit, &complaints))),
        })
    }

    /// Ends it, whatever it does, and waits for its end.
    ///
    /// # Errors
    /// If the connection ended first.
    pub async fn end(mut self) -> Result<(), ControlError> {
        self.give_up();
        while !matches!(self.next().await?, RoleStep::Ended(..)) {}
        Ok(())
    }

    /// Ends it, whatever it does. Nobody waits for the answer, which may come behind all that it has printed.
    fn give_up(&self) {
        let handle = self.handle();
        tokio::spawn(async move {
            if let Err(error) = handle.signal(SIGKILL).await {
                tracing::debug!(%error, "ended a role that had ended");
            }
        });
    }

    fn complain(&mut self, bytes: &[u8]) {
        let room = COMPLAINTS
            .saturating_sub(self.complaints.len())
            .min(bytes.len());
        self.complaints.extend(bytes.iter().take(room));
    }
}

/// That a program ended, how, and what it complained of, if anything.
pub fn ended(exit: Exit, complaints: &str) -> String {
    let ending = ending(exit);
    match complaints.trim() {
        "" => format!("ended with {ending}"),
        complaints => format!("ended with {ending}: {complaints}"),
    }
}

/// Describes the end of a role, in words.
pub fn ending(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exit code {code}"),
        Exit::Signal(signal) => format!("signal {signal}"),
    }
}

/// signal(7).
pub const SIGKILL: i32 = 9;

/// The most that is kept of what a role writes on standard error, in bytes.
const COMPLAINTS: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_without_a_word_is_a_sentence_too() {
        assert_eq!(ended(Exit::Signal(9), " \n"), "ended with signal 9");
        assert_eq!(
            ended(Exit::Code(2), "what\n"),
            "ended with exit code 2: what"
        );
    }
}
