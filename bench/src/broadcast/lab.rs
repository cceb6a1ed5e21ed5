//! A sender and its receivers in namespaces of their own, driven by a script.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::error::BenchError;

/// The lab, which ends when it is dropped.
#[derive(Debug)]
pub(super) struct Lab {
    /// Killed when dropped, and with it everything in its namespaces.
    _child: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Lab {
    /// A lab without nodes; `node` is our binary.
    pub(super) fn new(node: &Path) -> Result<Self, BenchError> {
        let starting = BenchError::system("starting the lab's script");
        let mut child = Command::new("unshare")
            .args(["--net", "--mount", "--pid", "--fork", "--kill-child"])
            .args(["--mount-proc", "--", "/usr/bin/python3", "-c", SCRIPT])
            .arg(node)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C is for us; the script ends with its input.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(&starting)?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(orders), Some(answers)) => Ok(Self {
                _child: child,
                orders,
                answers: BufReader::new(answers).lines(),
            }),
            _ => Err(starting(std::io::ErrorKind::BrokenPipe.into())),
        }
    }

    /// Has it do something that answers `ok` and no more.
    pub(super) async fn order(&mut self, order: &str) -> Result<(), BenchError> {
        self.ask(order).await.map(drop)
    }

    /// Has an entrant give the file to all; returns how long that took.
    pub(super) async fn run(&mut self, entrant: &str) -> Result<Duration, BenchError> {
        let answer = self.ask(&format!("run {entrant}")).await?;
        let seconds = answer.parse().ok();
        seconds
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .ok_or_else(|| BenchError::Wrong(format!("no time: {answer}")))
    }

    /// What follows `ok` in the answer.
    async fn ask(&mut self, order: &str) -> Result<String, BenchError> {
        let speaking = BenchError::system("speaking with the lab's script");
        let order = format!("{order}\n");
        self.orders
            .write_all(order.as_bytes())
            .await
            .map_err(&speaking)?;
        let answer = self.answers.next_line().await.map_err(&speaking)?;
        let answer = answer.unwrap_or_else(|| "its script ended".to_owned());
        match answer.strip_prefix("ok") {
            Some(rest) => Ok(rest.trim().to_owned()),
            None => Err(BenchError::Wrong(answer)),
        }
    }
}

const SCRIPT: &str = include_str!("lab.py");
