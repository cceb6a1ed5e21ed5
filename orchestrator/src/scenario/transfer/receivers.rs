//! The receivers' roles, from their readiness to their end.

use std::net::Ipv4Addr;
use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use protocol::control::Exit;
use protocol::name::{FileName, NodeName};
use protocol::role::RoleEvent;
use protocol::task::{AllSent, Arrival, Framing, Tally};
use tokio::task::JoinError;
use tokio_util::task::AbortOnDropHandle;

use crate::control::process::ProcessHandle;
use crate::number::counted;
use crate::report::model::{Finding, Outcome};
use crate::scenario::context::{CellPlace, RunContext, ScenarioError};
use crate::scenario::folder;
use crate::scenario::role::{self, Role, RoleStep, SIGKILL};
use crate::topology::model::Transfer;

use super::paths::{End, Paths};

/// The receivers of a cell, at work.
#[derive(Debug)]
pub struct Receivers {
    framing: Framing,
    at_work: Vec<Receiver>,
}

/// A receiver at work. What it tells is listened to all the time, for one whose output is full waits
/// for us, and seems dead to its sender.
#[derive(Debug)]
struct Receiver {
    node: NodeName,
    handle: ProcessHandle,
    listening: AbortOnDropHandle<Result<(Received, Ended), ScenarioError>>,
}

/// The results of a receiver.
#[derive(Debug, Default)]
pub struct Received {
    /// The contents that came without a name, in order.
    pub arrivals: Vec<Arrival>,
    /// The counts it made, if any.
    pub tally: Option<Tally>,
    /// Its complaints.
    pub findings: Vec<Finding>,
}

/// The end of a receiver.
#[derive(Debug)]
struct Ended {
    exit: Exit,
    /// Its output on standard error.
    complaints: String,
}

impl Receivers {
    /// Starts them all; each listens when this returns.
    ///
    /// # Errors
    /// [`ScenarioError::NotReady`] names one that does not.
    pub async fn start(
        cx: &RunContext<'_>,
        place: CellPlace<'_>,
        transfer: &Transfer,
        paths: &Paths,
    ) -> Result<Self, ScenarioError> {
        let numbered = paths.to.iter().enumerate();
        let started = numbered.map(|(number, end)| async move {
            let mut arguments = arguments(place, transfer, paths, (number, end));
            if transfer.sending.framing == Framing::Reliable {
                arguments.extend(["--seed".to_owned(), place.seed(cx, &end.node)]);
            }
            clear(cx, &end.node, &place.folder("received")).await?;
            let mut role = cx.role(&end.node, arguments).await?;
            let node = end.node.clone();
            match role.ready().await? {
                Ok(()) => Ok(Receiver {
                    handle: role.handle(),
                    listening: AbortOnDropHandle::new(tokio::spawn(listen(node.clone(), role))),
                    node,
                }),
                Err(instead) => Err(ScenarioError::NotReady {
                    role: "receiver",
                    node,
                    instead,
                }),
            }
        });
        Ok(Self {
            framing: transfer.sending.framing,
            at_work: try_join_all(started).await?,
        })
    }

    /// Returns handles to control them.
    pub fn handles(&self) -> impl Iterator<Item = ProcessHandle> {
        self.at_work.iter().map(|receiver| receiver.handle.clone())
    }

    /// Waits for their ends. Those that cannot know are told how many datagrams were sent to them, in
    /// the receivers' order. Where the sender has failed, for this reason, those that wait for what it
    /// never began are ended.
    ///
    /// # Errors
    /// If a connection ended first.
    pub async fn finish(
        self,
        sent: &[u64],
        failed: Option<&str>,
    ) -> Result<Vec<Received>, ScenarioError> {
        let at_work = self.at_work.into_iter().zip(sent);
        let ended = at_work.map(|(receiver, datagrams)| async move {
            if self.framing == Framing::Reliable {
                return match failed {
                    Some(reason) => receiver.end_forsaken(reason).await,
                    None => receiver.end().await,
                };
            }
            let all = AllSent {
                datagrams: *datagrams,
            };
            let mut line = serde_json::to_vec(&all).unwrap_or_default();
            line.push(b'\n');
            receiver.handle.write(line).await?;
            receiver.end().await
        });
        join_all(ended).await.into_iter().collect()
    }
}

impl Receiver {
    /// Waits for its end.
    async fn end(self) -> Result<Received, ScenarioError> {
        Ok(judged(&self.node, heard(self.listening.await)?))
    }

    /// Waits for its end after its sender has ended without having sent everything. It has heard the end
    /// of every session that had begun; for one that never began it would wait until its own deadline.
    async fn end_forsaken(mut self, reason: &str) -> Result<Received, ScenarioError> {
        if let Ok(listened) = tokio::time::timeout(LAST_WORDS, &mut self.listening).await {
            return Ok(judged(&self.node, heard(listened)?));
        }
        if let Err(error) = self.handle.signal(SIGKILL).await {
            tracing::debug!(%error, "ended a receiver that had ended");
        }
        let (mut received, _) = heard(self.listening.await)?;
        let text = format!("{} waited for what was never sent: {reason}", self.node);
        received.findings.push(finding(&self.node, text));
        Ok(received)
    }
}

/// Returns what a listening task heard, unless the task itself failed.
fn heard<T>(listened: Result<Result<T, ScenarioError>, JoinError>) -> Result<T, ScenarioError> {
    listened.unwrap_or_else(|broken| Err(ScenarioError::Verifier(broken.to_string())))
}

/// Removes what an earlier run in the same lab has left where files are to arrive: it would count as
/// received.
async fn clear(cx: &RunContext<'_>, node: &NodeName, folder: &str) -> Result<(), ScenarioError> {
    let left = folder::entries(cx, (node, folder)).await?.into_iter();
    // Nothing is received under a name that is none of a file's.
    let left = left.map(|entry| entry.name);
    let left: Vec<String> = left
        .filter(|name| name.parse::<FileName>().is_ok())
        .collect();
    if left.is_empty() {
        return Ok(());
    }
    let words = std::iter::once("--".to_owned()).chain(left);
    let (_, removed) = folder::work(cx, (node, folder), "discard", words).await?;
    removed.map_err(|instead| ScenarioError::NotReady {
        role: "receiver",
        node: node.clone(),
        instead,
    })
}

fn arguments(
    place: CellPlace<'_>,
    transfer: &Transfer,
    paths: &Paths,
    (number, end): (usize, &End),
) -> Vec<String> {
    let framing = transfer.sending.framing;
    let mut arguments = Vec::new();
    let mut add = |words: &[&str]| arguments.extend(words.iter().map(|&word| word.to_owned()));
    if framing == Framing::Reliable {
        let seconds = format!("{}s", place.seconds());
        let numbers = 0..transfer.files.count();
        let theirs = numbers.filter(|file| paths.leads(*file, number)).count();
        let one = transfer.is_one_session(paths.broadcast.is_some());
        let sessions = if one { 1 } else { theirs };
        add(&["broadcast-receive", "--deadline", &seconds]);
        add(&["--sessions", &sessions.to_string()]);
    } else {
        let name = stored_name(number);
        add(&["receive", "--framing", framing.word(), "--name", &name]);
        if let Some(buffer) = transfer.sending.buffer {
            add(&["--buffer", &buffer.0.to_string()]);
        }
        // A socket that is bound to a host's address hears no broadcasts.
        let any = Ipv4Addr::UNSPECIFIED;
        let address = paths.broadcast.as_ref().map_or(end.address, |_| any);
        add(&["--address", &address.to_string()]);
    }
    add(&["--port", &transfer.port.to_string()]);
    add(&["--directory", &place.folder("received")]);
    if let Some(interface) = &end.interface {
        add(&["--interface", interface.as_str()]);
    }
    arguments
}

/// Returns the receiver's name for the one file that all bytes go to, as in the original labs.
pub fn stored_name(number: usize) -> String {
    format!("server{}.jpg", number + 1)
}

/// Listens to a receiver until its end; also tells how it ended.
async fn listen(node: NodeName, mut role: Role) -> Result<(Received, Ended), ScenarioError> {
    let mut received = Received::default();
    loop {
        match role.next().await? {
            RoleStep::Event(RoleEvent::Failed { reason }) => {
                received.findings.push(finding(&node, reason));
            }
            RoleStep::Event(RoleEvent::Arrived(arrival)) => received.arrivals.push(arrival),
            RoleStep::Event(RoleEvent::Counted(tally)) => {
                if tally.dropped > 0 {
                    let dropped = counted(tally.dropped, "datagram");
                    let text = format!("{dropped} found {node}'s socket full and were dropped");
                    received.findings.push(finding(&node, text));
                }
                received.tally = Some(tally);
            }
            RoleStep::Event(_) => {}
            RoleStep::Ended(exit, complaints) => return Ok((received, Ended { exit, complaints })),
        }
    }
}

/// Judges a receiver that ended by itself.
fn judged(node: &NodeName, (mut received, ended): (Received, Ended)) -> Received {
    if received.findings.is_empty() && ended.exit != Exit::Code(0) {
        let text = format!(
            "the receiver {}",
            role::ended(ended.exit, &ended.complaints)
        );
        received.findings.push(finding(node, text));
    }
    received
}

fn finding(node: &NodeName, text: String) -> Finding {
    Finding {
        outcome: Outcome::Failed,
        node: Some(node.to_string()),
        text,
    }
}

/// The longest time that a receiver may take to report what it has heard already.
const LAST_WORDS: Duration = Duration::from_secs(1);
