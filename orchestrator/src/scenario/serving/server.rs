//! A server on its node: started, awaited, ended.

use std::net::SocketAddr;
use std::time::Duration;

use protocol::control::{Command, Condition, Exit, Lifetime, Program, Transport};
use protocol::name::NodeName;

use crate::control::error::ControlErrorKind;
use crate::control::process::ProcessHandle;
use crate::control::{Collected, ControlError};
use crate::report::event::RunEvent;
use crate::report::model::{Finding, Outcome};
use crate::scenario::context::{CellPlace, RunContext, ScenarioError};
use crate::scenario::role::{SIGKILL, ending};
use crate::scenario::steps::background::Background;
use crate::topology::model::{Server, ServerProgram};

use super::address::reachable;
use super::served::Served;

/// A server that listens.
#[derive(Debug)]
pub struct Serving {
    node: NodeName,
    is_built_in: bool,
    program: Background,
    address: SocketAddr,
}

impl Serving {
    /// Starts a server for the clients on a node. It listens when this returns, or there is a finding
    /// that says why it does not. `flags` are further arguments of the built-in server.
    ///
    /// # Errors
    /// If the node cannot do its part.
    pub async fn start(
        cx: &RunContext<'_>,
        place: CellPlace<'_>,
        (server, client): (&Server, &NodeName),
        flags: &[&str],
    ) -> Result<Result<Self, Finding>, ScenarioError> {
        let address = reachable(cx.lab.plan(), &server.node, client)?;
        let control = cx.node(&server.node)?;
        let (transport, port) = (Transport::Tcp, server.port);
        // Processes of an earlier server may still be ending, and would be taken for this one.
        let free = Condition::FreePort { transport, port };
        if let Err(error) = control.wait_for(free, GRACE).await {
            return refused(&server.node, error);
        }
        let process = match control.start(command(cx, server, flags)).await {
            Ok(process) => process,
            Err(error) => return refused(&server.node, error),
        };
        let mut serving = Self {
            node: server.node.clone(),
            is_built_in: matches!(server.program, ServerProgram::BuiltIn { .. }),
            program: Background::watch(process),
            address: SocketAddr::new(address, server.port),
        };
        let open = Condition::Port { transport, port };
        let listens = control.wait_for(open, place.scenario.timeout);
        let ended = tokio::select! {
            listens = listens => match listens {
                Ok(()) => return Ok(Ok(serving)),
                Err(error) => {
                    serving.kill().await;
                    return refused(&server.node, error);
                }
            },
            ended = serving.program.end() => ended,
        };
        let text = match ended {
            Ok(printed) => format!(
                "the server did not come up: {}",
                serving.complaint(&printed)
            ),
            Err(lost) => format!("the server did not come up: {lost}"),
        };
        Ok(Err(finding(&serving.node, text)))
    }

    /// Where its clients find it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns a handle to control it.
    pub fn handle(&self) -> &ProcessHandle {
        self.program.handle()
    }

    /// Has it end, by force if it takes too long, and says what it told and what is wrong with that.
    pub async fn end(mut self, cx: &RunContext<'_>) -> (Served, Vec<Finding>) {
        // One that ended by itself gets no signal.
        let was_there = self.program.handle().signal(SIGTERM).await.is_ok();
        let in_time = tokio::time::timeout(GRACE, self.program.end()).await;
        let was_told = was_there && in_time.is_ok();
        let printed = if let Ok(ended) = in_time {
            ended
        } else {
            let text = format!(
                "the server on {} did not end within {} s of SIGTERM and was killed",
                self.node,
                GRACE.as_secs()
            );
            cx.observer.observe(&RunEvent::Warning { text });
            self.kill().await;
            self.program.end().await
        };
        match printed {
            Ok(printed) => self.judge(&printed, (was_there, was_told)),
            Err(lost) => (Served::default(), vec![finding(&self.node, lost)]),
        }
    }

    fn judge(
        &self,
        printed: &Collected,
        (was_there, was_told): (bool, bool),
    ) -> (Served, Vec<Finding>) {
        if !self.is_built_in {
            let text = || format!("the server ended too early: {}", self.complaint(printed));
            let early = (!was_there).then(|| finding(&self.node, text()));
            return (Served::default(), early.into_iter().collect());
        }
        let served = Served::of(printed);
        let mut findings = Vec::new();
        if !was_told {
            let text = format!(
                "the server did not end in good order: {}",
                self.complaint(printed)
            );
            findings.push(finding(&self.node, text));
        } else if served.record.is_none() {
            let text = format!(
                "the server told nothing at its end: {}",
                self.complaint(printed)
            );
            findings.push(finding(&self.node, text));
        }
        for loss in &served.losses {
            let serving = if loss.serving { " while it served" } else { "" };
            let text = format!("worker {} died{serving}: {}", loss.worker, loss.reason);
            findings.push(finding(&self.node, text));
        }
        (served, findings)
    }

    /// Describes the server's end, with its last words.
    fn complaint(&self, printed: &Collected) -> String {
        let failure = self.is_built_in.then(|| Served::of(printed).failure);
        if let Some(reason) = failure.flatten() {
            return reason;
        }
        let ended = match printed.exit {
            Exit::Signal(SIGTERM) => "it was ended".to_owned(),
            exit => ending(exit),
        };
        let said = String::from_utf8_lossy(&printed.stderr);
        match said.trim().lines().last() {
            Some(line) => format!("{ended}, {line}"),
            None => ended,
        }
    }

    async fn kill(&self) {
        if let Err(error) = self.program.handle().signal(SIGKILL).await {
            tracing::debug!(%error, "ended a server that had ended");
        }
    }
}

fn command(cx: &RunContext<'_>, server: &Server, flags: &[&str]) -> Command {
    let program = match &server.program {
        ServerProgram::Own { command, .. } => Program::Own(command.clone()),
        ServerProgram::BuiltIn {
            model,
            workers,
            service,
        } => {
            let (port, workers) = (server.port.to_string(), workers.to_string());
            let words = ["serve", "--port", &port, "--model", model.word()];
            let more = ["--workers", &workers, "--directory", &server.directory];
            let words = words.iter().chain(&more).map(|&word| word.to_owned());
            let mut words: Vec<String> = words.chain(service.arguments()).collect();
            let missing = flags
                .iter()
                .filter(|flag| !words.iter().any(|word| word == *flag));
            let missing: Vec<String> = missing.map(|&flag| flag.to_owned()).collect();
            words.extend(missing);
            Program::Role(words)
        }
    };
    Command {
        program,
        env: cx.env(&server.node),
        directory: None,
        terminal: None,
        lifetime: Lifetime::Connection,
    }
}

/// A node that says no is a wrong result; one that is gone is an error.
fn refused<T>(node: &NodeName, error: ControlError) -> Result<Result<T, Finding>, ScenarioError> {
    match error.kind {
        ControlErrorKind::Refused(failure) => {
            let text = format!("the server did not come up: {}", failure.message);
            Ok(Err(finding(node, text)))
        }
        _ => Err(error.into()),
    }
}

fn finding(node: &NodeName, text: String) -> Finding {
    Finding {
        outcome: Outcome::Failed,
        node: Some(node.to_string()),
        text,
    }
}

/// signal(7).
const SIGTERM: i32 = 15;

/// The longest time that a server may take to end. The built-in one gives requests that were begun 10 s.
const GRACE: Duration = Duration::from_secs(12);
