//! The receivers' roles, from their readiness to their end.

use std::net::Ipv4Addr;

use futures_util::future::{join_all, try_join_all};
use protocol::control::Exit;
use protocol::name::NodeName;
use protocol::role::RoleEvent;
use protocol::task::{AllSent, Arrival, Framing, Tally};

use crate::control::process::Hands;
use crate::number::counted;
use crate::report::model::{Finding, Outcome};
use crate::scenario::context::{CellPlace, RunContext, ScenarioError};
use crate::scenario::role::{Role, RoleStep, ending};
use crate::topology::model::Transfer;

use super::paths::{End, Paths};

/// The receivers of a cell, at work.
#[derive(Debug)]
pub struct Receivers {
    framing: Framing,
    at_work: Vec<(NodeName, Role)>,
}

/// What a receiver came to.
#[derive(Debug, Default)]
pub struct Received {
    /// What came without a name, in its order.
    pub arrivals: Vec<Arrival>,
    /// What it counted, where it counts.
    pub tally: Option<Tally>,
    /// What it complains of.
    pub findings: Vec<Finding>,
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
            let arguments = arguments(place, transfer, paths, (number, end));
            let mut role = Role::start(cx.node(&end.node)?, arguments).await?;
            let node = end.node.clone();
            match role.next().await? {
                RoleStep::Event(RoleEvent::Ready) => Ok((node, role)),
                RoleStep::Event(RoleEvent::Failed { reason: instead }) => {
                    Err(ScenarioError::NotReady { node, instead })
                }
                other => Err(ScenarioError::NotReady {
                    node,
                    instead: format!("{other:?}"),
                }),
            }
        });
        Ok(Self {
            framing: transfer.sending.framing,
            at_work: try_join_all(started).await?,
        })
    }

    /// What speaks to them.
    pub fn hands(&self) -> impl Iterator<Item = Hands> {
        self.at_work.iter().map(|(_, role)| role.hands())
    }

    /// Waits for their ends. Those that cannot know are told how many datagrams were sent to them, in
    /// the receivers' order.
    ///
    /// # Errors
    /// If a connection ended first.
    pub async fn finish(self, sent: &[u64]) -> Result<Vec<Received>, ScenarioError> {
        let at_work = self.at_work.into_iter().zip(sent);
        let ended = at_work.map(|((node, role), datagrams)| async move {
            if self.framing != Framing::Reliable {
                let all = AllSent {
                    datagrams: *datagrams,
                };
                let mut line = serde_json::to_vec(&all).unwrap_or_default();
                line.push(b'\n');
                role.hands().write(line).await?;
            }
            watch(&node, role).await
        });
        join_all(ended).await.into_iter().collect()
    }
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

/// What a receiver calls the one file that all bytes go to, as the original labs do.
pub fn stored_name(number: usize) -> String {
    format!("server{}.jpg", number + 1)
}

async fn watch(node: &NodeName, mut role: Role) -> Result<Received, ScenarioError> {
    let mut received = Received::default();
    let finding = |text| Finding {
        outcome: Outcome::Failed,
        node: Some(node.to_string()),
        text,
    };
    loop {
        match role.next().await? {
            RoleStep::Event(RoleEvent::Failed { reason }) => {
                received.findings.push(finding(reason));
            }
            RoleStep::Event(RoleEvent::Arrived(arrival)) => received.arrivals.push(arrival),
            RoleStep::Event(RoleEvent::Counted(tally)) => {
                if tally.dropped > 0 {
                    let dropped = counted(tally.dropped, "datagram");
                    let text = format!("{dropped} found {node}'s socket full and were dropped");
                    received.findings.push(finding(text));
                }
                received.tally = Some(tally);
            }
            RoleStep::Event(_) => {}
            RoleStep::Ended(Exit::Code(0), _) => return Ok(received),
            RoleStep::Ended(exit, complaints) => {
                if received.findings.is_empty() {
                    let exit = ending(exit);
                    let text = format!("the receiver ended with {exit}: {complaints}");
                    received.findings.push(finding(text));
                }
                return Ok(received);
            }
        }
    }
}
