//! A small script of ours: one line in, one line out.
//!
//! It runs in network, mount and process namespaces of its own: the host's firewall does not see its
//! bridges, and whatever it made ends with it, also if it is killed, or we are.

use std::ffi::OsStr;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::error::BenchError;

/// A script that waits for orders; dropping it ends it.
#[derive(Debug)]
pub struct Script {
    /// Killed when dropped, and with it everything in its namespaces.
    _child: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Script {
    /// Starts an interpreter with these last arguments, the script among them.
    ///
    /// # Errors
    /// The system's.
    pub fn start(
        interpreter: &[&str],
        arguments: &[impl AsRef<OsStr>],
    ) -> Result<Self, BenchError> {
        let starting = BenchError::system("starting its script");
        let mut child = Command::new("unshare")
            .args(["--net", "--mount", "--pid", "--fork", "--kill-child"])
            .args(["--mount-proc", "--"])
            .args(interpreter)
            .args(arguments)
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

    /// Gives an order; returns what follows `ok` in the answer.
    ///
    /// # Errors
    /// What the script says instead, or that it has ended.
    pub async fn ask(&mut self, order: &str) -> Result<String, BenchError> {
        let speaking = BenchError::system("speaking with its script");
        let order = format!("{order}\n");
        let written = self.orders.write_all(order.as_bytes()).await;
        written.map_err(&speaking)?;
        let answer = self.answers.next_line().await.map_err(&speaking)?;
        let answer = answer.unwrap_or_else(|| "its script ended".to_owned());
        match answer.strip_prefix("ok") {
            Some(rest) => Ok(rest.trim().to_owned()),
            None => Err(BenchError::Wrong(answer)),
        }
    }
}
