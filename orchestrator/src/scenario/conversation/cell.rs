//! One cell, from the server's start to its end.

use protocol::conversation::{Moved, ReplyRecord};

use crate::lab::raised::put_file;
use crate::report::event::RunEvent;
use crate::report::model::{CellReport, Finding, Outcome, ReplyReport, StepReport};
use crate::scenario::context::{CellPlace, RunContext, ScenarioError};
use crate::scenario::role::SIGKILL;
use crate::scenario::serving::Serving;
use crate::topology::model::{Command, Conversation, FileRequest, LineEnd, Reply};

use super::client::{Broken, Client};
use super::folder::{self, Copied};
use super::judgement::{difference, judge};

/// Carries out one cell.
///
/// # Errors
/// If a node cannot do its part; commands that come to something else are reported.
pub async fn run(
    cx: &RunContext<'_>,
    place: CellPlace<'_>,
    conversation: &Conversation,
    cell: &mut CellReport,
) -> Result<(), ScenarioError> {
    let server = &conversation.server;
    if let Err(text) = folder::prepare(cx, conversation).await? {
        cell.findings.push(finding(server.node.to_string(), text));
        return Ok(());
    }
    let ends = (server, &conversation.client);
    let serving = match Serving::start(cx, place, ends, flags(conversation)).await? {
        Ok(serving) => serving,
        Err(finding) => {
            cell.findings.push(finding);
            return Ok(());
        }
    };
    let talked = talk(cx, place, (conversation, &serving), cell).await;
    // Whatever became of the client, the server does not stay.
    let (_, findings) = serving.end(cx).await;
    cell.findings.extend(findings);
    talked
}

/// Returns the built-in server's flags for its client: one tells that it is the course's original client,
/// whose commands, DELETE too, end in silence.
fn flags(conversation: &Conversation) -> &'static [&'static str] {
    let is_original = |command: &Command| {
        let end = LineEnd::Silence;
        matches!(&command.said, FileRequest::Raw { end: found, .. } if *found == end)
    };
    if conversation.commands.iter().any(is_original) {
        &["--compat"]
    } else {
        &[]
    }
}

/// Gives all commands, within the cell's time.
async fn talk(
    cx: &RunContext<'_>,
    place: CellPlace<'_>,
    (conversation, serving): (&Conversation, &Serving),
    cell: &mut CellReport,
) -> Result<(), ScenarioError> {
    let mut client = Client::start(cx, place, (conversation, serving.address())).await?;
    let handle = client.handle();
    let limit = place.scenario.timeout;
    let given = give_all(cx, place, (conversation, &mut client), cell);
    let Ok(given) = tokio::time::timeout(limit, given).await else {
        if let Err(error) = handle.signal(SIGKILL).await {
            tracing::debug!(%error, "ended a client that had ended");
        }
        let (answered, all) = (cell.steps.len(), conversation.commands.len());
        let text =
            format!("did not end within {limit:?}: {answered} of {all} commands had their replies");
        cell.findings.push(Finding {
            node: None,
            ..finding(String::new(), text)
        });
        return Ok(());
    };
    given?;
    client.end().await
}

async fn give_all(
    cx: &RunContext<'_>,
    place: CellPlace<'_>,
    (conversation, client): (&Conversation, &mut Client),
    cell: &mut CellReport,
) -> Result<(), ScenarioError> {
    let (mut moved, mut connections) = (0, 0);
    for (number, command) in (0..).zip(&conversation.commands) {
        if let FileRequest::Upload { file, .. } = &command.said {
            let node = cx.node(&conversation.client)?;
            put_file(node, file, &client.upload_path(number)).await?;
        }
        let heard = match client.ask(number, command).await? {
            Ok(heard) => heard,
            Err(Broken(text)) => {
                let node = conversation.client.to_string();
                cell.findings.push(finding(node, text));
                return Ok(());
            }
        };
        let step = assess(cx, place, (conversation, client), (command, &heard), cell).await?;
        moved += bytes(&heard).unwrap_or_default();
        connections = connections.max(heard.connection);
        let scenario = place.scenario.name.clone();
        cx.tell(&RunEvent::StepEnded {
            scenario,
            step: step.clone(),
        });
        cell.steps.push(step);
    }
    #[expect(clippy::cast_precision_loss, reason = "bytes, shown to three digits")]
    let moved = moved as f64;
    let metrics = [
        ("moved_bytes", moved),
        ("connections", f64::from(connections)),
    ];
    cell.metrics = metrics.map(|(name, value)| (name.to_owned(), value)).into();
    Ok(())
}

/// A command's report: what was heard, and the files that it moved, against what was expected.
async fn assess(
    cx: &RunContext<'_>,
    place: CellPlace<'_>,
    (conversation, client): (&Conversation, &Client),
    (command, heard): (&Command, &ReplyRecord),
    cell: &mut CellReport,
) -> Result<StepReport, ScenarioError> {
    let mut wrong = judge(&command.said, &command.expect, heard);
    if heard.is_ok() && matches!(command.expect, Reply::Ok { .. }) {
        let server = &conversation.server;
        match (&command.said, &command.expect) {
            (FileRequest::Upload { file, name }, _) => {
                let copied = Copied {
                    node: &server.node,
                    path: &format!("{}/{name}", server.directory),
                    name,
                    original: file,
                };
                cell.files
                    .extend(compared(cx, place, heard.number, copied, &mut wrong).await?);
            }
            (FileRequest::Delete(name), _) if folder::names(cx, server).await?.contains(name) => {
                wrong.push(format!("{name} is still in the server's folder"));
            }
            (
                said,
                Reply::Ok {
                    equal: Some(original),
                    ..
                },
            ) if heard.content.is_some() => {
                let copied = Copied {
                    node: &conversation.client,
                    path: &client.came_path(heard.number),
                    name: match said {
                        FileRequest::Get(name) | FileRequest::Download(name) => name,
                        _ => "content",
                    },
                    original,
                };
                cell.files
                    .extend(compared(cx, place, heard.number, copied, &mut wrong).await?);
            }
            _ => {}
        }
    }
    Ok(StepReport {
        name: command.name.clone(),
        outcome: if wrong.is_empty() {
            Outcome::Passed
        } else {
            Outcome::Failed
        },
        duration_s: heard.seconds,
        detail: (!wrong.is_empty()).then(|| wrong.join("\n")),
        reply: Some(ReplyReport {
            status: heard.status.clone(),
            words: heard.words.clone(),
            names: heard.names.as_ref().map(Vec::len),
            bytes: bytes(heard),
            connection: heard.connection,
        }),
    })
}

async fn compared(
    cx: &RunContext<'_>,
    place: CellPlace<'_>,
    number: u32,
    copied: Copied<'_>,
    wrong: &mut Vec<String>,
) -> Result<Vec<crate::report::model::FileReport>, ScenarioError> {
    let reports = folder::compare(cx, place, number, copied).await?;
    wrong.extend(reports.iter().filter_map(difference));
    Ok(reports)
}

/// Returns the number of bytes that a command moved.
fn bytes(heard: &ReplyRecord) -> Option<u64> {
    let moved: Option<&Moved> = heard.content.as_ref().or(heard.sent.as_ref());
    moved.map(|moved| moved.bytes)
}

fn finding(node: String, text: String) -> Finding {
    Finding {
        outcome: Outcome::Failed,
        node: Some(node),
        text,
    }
}
