//! The action of one step.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use protocol::control::{Command, Condition, Lifetime, Program};
use protocol::name::NodeName;

use crate::control::ControlError;
use crate::control::error::ControlErrorKind;
use crate::control::process::ProcessHandle;
use crate::evidence::{EvidenceError, component};
use crate::report::model::{FileOutcome, FileReport};
use crate::scenario::context::{CellPlace, RunContext, ScenarioError, base_name};
use crate::scenario::fetching::{Fetched, fetch_copy, fetch_original};
use crate::scenario::received::judge;
use crate::topology::model::{Action, FilePlace, RunProgram};
use crate::verify::files::Delivery;

use super::background::Background;
use super::expect::check;
use super::value::Values;

/// The state that the steps of a cell share.
#[derive(Debug, Default)]
pub struct Stage {
    /// Values captured so far.
    pub values: Values,
    /// Programs that run beside the later steps.
    pub background: BTreeMap<String, Background>,
    /// Files compared so far.
    pub files: Vec<FileReport>,
    /// The program that the current step waits for.
    pub foreground: Option<ProcessHandle>,
}

/// The result of one try: `Ok(Err(text))` describes an unmet expectation.
pub type ActionResult = Result<Result<(), String>, ScenarioError>;

impl Stage {
    /// Tries an action once.
    ///
    /// # Errors
    /// If it could not be carried out at all: a node died, a disk is full.
    pub async fn try_action(
        &mut self,
        cx: &RunContext<'_>,
        place: CellPlace<'_>,
        action: &Action,
        within: Duration,
    ) -> ActionResult {
        match action {
            Action::Run(program) => self.run(cx, program).await,
            Action::Start { program, id } => self.start(cx, program, id).await,
            Action::Finish { id, expect } => match self.background.get_mut(id) {
                Some(program) => match program.end().await {
                    Ok(seen) => Ok(check(expect, &self.values, &seen).map_or(Ok(()), Err)),
                    Err(lost) => Ok(Err(lost)),
                },
                None => Ok(Err(format!("`{id}` was not started"))),
            },
            Action::Stop { id, signal } => self.stop(id, *signal).await,
            Action::AwaitPort {
                node,
                transport,
                port,
            } => {
                let condition = Condition::Port {
                    transport: *transport,
                    port: *port,
                };
                refusal(cx.node(node)?.wait_for(condition, within).await)
            }
            Action::AwaitFile { node, path } => {
                let condition = Condition::File {
                    path: self.values.fill(path),
                };
                refusal(cx.node(node)?.wait_for(condition, within).await)
            }
            Action::AwaitLine { id, text } => match self.background.get_mut(id) {
                Some(program) => Ok(program.line(&self.values.fill(text)).await),
                None => Ok(Err(format!("`{id}` was not started"))),
            },
            Action::Equal { original, copies } => self.equal(cx, place, original, copies).await,
        }
    }

    async fn run(&mut self, cx: &RunContext<'_>, program: &RunProgram) -> ActionResult {
        let process = match cx
            .node(&program.node)?
            .start(self.command(program, cx))
            .await
        {
            Ok(process) => process,
            Err(error) => return refusal(Err(error)),
        };
        self.foreground = Some(process.handle());
        let seen = process.collect().await?;
        self.foreground = None;
        if let Some(wrong) = check(&program.expect, &self.values, &seen) {
            return Ok(Err(wrong));
        }
        match &program.save {
            Some(save) => Ok(self
                .values
                .save(save, &String::from_utf8_lossy(&seen.stdout))),
            None => Ok(Ok(())),
        }
    }

    async fn start(&mut self, cx: &RunContext<'_>, program: &RunProgram, id: &str) -> ActionResult {
        match cx
            .node(&program.node)?
            .start(self.command(program, cx))
            .await
        {
            Ok(process) => {
                self.background
                    .insert(id.to_owned(), Background::watch(process));
                Ok(Ok(()))
            }
            Err(error) => refusal(Err(error)),
        }
    }

    async fn stop(&mut self, id: &str, signal: i32) -> ActionResult {
        let Some(program) = self.background.get_mut(id) else {
            return Ok(Err(format!("`{id}` was not started")));
        };
        if let Err(error) = program.handle().signal(signal).await {
            return refusal(Err(error));
        }
        Ok(program.end().await.map(drop))
    }

    async fn equal(
        &mut self,
        cx: &RunContext<'_>,
        place: CellPlace<'_>,
        original: &FilePlace,
        copies: &[FilePlace],
    ) -> ActionResult {
        let refused = |error| match error {
            ScenarioError::Control(error) => refusal(Err(error)),
            ScenarioError::TooLong { .. } => Ok(Err(error.to_string())),
            error => Err(error),
        };
        let folder = cx.evidence.received(place.evidence(), ORIGINALS)?;
        let original = match self.original(cx, &folder, original).await {
            Ok(path) => path,
            Err(error) => return refused(error),
        };
        let mut wrong = Vec::new();
        for copy in copies {
            let FilePlace::Node(node, path) = copy else {
                continue;
            };
            let path = self.values.fill(path);
            let (delivery, name, fetched) = match delivery(cx, place, node, &path, &original).await
            {
                Ok(fetched) => fetched,
                Err(error) => return refused(error),
            };
            for report in judge(cx, vec![delivery], fetched.as_slice()).await? {
                if report.outcome != FileOutcome::Equal {
                    wrong.push(describe(&path, &report));
                }
                // A step that is tried again replaces what its last try found.
                self.files
                    .retain(|f| (f.node.as_str(), f.name.as_str()) != (node.as_str(), &name));
                self.files.push(report);
            }
        }
        Ok(if wrong.is_empty() {
            Ok(())
        } else {
            Err(wrong.join("; "))
        })
    }

    /// The original on this machine, fetched into `folder` where it is in a node.
    async fn original(
        &self,
        cx: &RunContext<'_>,
        folder: &Path,
        original: &FilePlace,
    ) -> Result<PathBuf, ScenarioError> {
        match original {
            FilePlace::Here(path) => Ok(path.clone()),
            FilePlace::Node(node, path) => {
                let path = self.values.fill(path);
                let here = folder.join(base_name(path.as_ref()));
                fetch_original(cx.node(node)?, &path, &here).await?;
                Ok(here)
            }
        }
    }

    fn command(&self, program: &RunProgram, cx: &RunContext<'_>) -> Command {
        Command {
            program: Program::Own(self.values.fill_all(&program.command)),
            env: cx.env(&program.node),
            directory: None,
            terminal: None,
            lifetime: Lifetime::Connection,
        }
    }
}

/// Fetches a copy, which may not be there, to be compared with its original.
async fn delivery(
    cx: &RunContext<'_>,
    place: CellPlace<'_>,
    node: &NodeName,
    path: &str,
    original: &Path,
) -> Result<(Delivery, String, Option<Fetched>), ScenarioError> {
    let name = base_name(path.as_ref());
    let folder = cx
        .evidence
        .received(place.evidence(), node.as_str())?
        .join(component(path));
    tokio::fs::create_dir_all(&folder)
        .await
        .map_err(|e| EvidenceError::at(&folder, e))?;
    let fetched = fetch_copy(cx.node(node)?, path, &folder.join(&name), original).await?;
    let expected = name
        .parse()
        .map(|file| (file, original.to_owned()))
        .into_iter()
        .collect();
    Ok((
        Delivery {
            node: node.clone(),
            expected,
            folder,
        },
        name,
        fetched,
    ))
}

/// A node that says no is a wrong result; one that is gone is an error.
fn refusal(result: Result<(), ControlError>) -> ActionResult {
    match result {
        Ok(()) => Ok(Ok(())),
        Err(ControlError {
            kind: ControlErrorKind::Refused(failure),
            ..
        }) => Ok(Err(failure.message)),
        Err(error) => Err(error.into()),
    }
}

fn describe(path: &str, report: &FileReport) -> String {
    let at = report
        .first_difference
        .map(|at| format!(", first difference at byte {at}"));
    let state = match report.outcome {
        FileOutcome::Equal => "equal",
        FileOutcome::Missing => "missing",
        FileOutcome::Cut => "cut",
        FileOutcome::Changed => "changed",
        FileOutcome::Mixed => "mixed",
        FileOutcome::Extra => "extra",
    };
    let why = report.note.as_ref().map(|note| format!(": {note}"));
    format!(
        "{}:{path} is {state}{}{}",
        report.node,
        at.unwrap_or_default(),
        why.unwrap_or_default()
    )
}

/// The folder among a cell's received files that holds originals out of nodes; no node has this name.
const ORIGINALS: &str = "_originals";
