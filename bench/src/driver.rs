//! A peer that is driven by a small script of ours: one line in, one line out.
//!
//! The script runs in network, mount and process namespaces of its own: the host's firewall does not
//! see its bridges, and whatever it made ends with it, also if it is killed, or we are.

use std::process::Stdio;

use async_trait::async_trait;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::entrant::Entrant;
use crate::error::BenchError;

/// A peer that is driven by a script.
#[derive(Debug)]
pub struct Driver {
    name: String,
    interpreter: Vec<&'static str>,
    script: &'static str,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    /// Killed when dropped.
    _child: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Driver {
    /// A peer of this name; its script is given to the interpreter as its last argument. It answers
    /// `up N`, `check` and `down` with `ok`, or with what went wrong.
    pub fn new(name: String, interpreter: &[&'static str], script: &'static str) -> Self {
        Self {
            name,
            interpreter: interpreter.to_vec(),
            script,
            running: None,
        }
    }

    async fn order(&mut self, order: &str) -> Result<(), BenchError> {
        let running = match &mut self.running {
            Some(running) => running,
            none => none.insert(Running::start(&self.interpreter, self.script)?),
        };
        match running.ask(order).await {
            Ok(Some(answer)) if answer == "ok" => Ok(()),
            Ok(Some(answer)) => Err(BenchError::Wrong(answer)),
            Ok(None) => Err(BenchError::Wrong("its script ended".to_owned())),
            Err(error) => Err(BenchError::system("speaking with its script")(error)),
        }
    }
}

impl Running {
    fn start(interpreter: &[&str], script: &str) -> Result<Self, BenchError> {
        let starting = BenchError::system("starting its script");
        let mut child = Command::new("unshare")
            .args(["--net", "--mount", "--pid", "--fork", "--kill-child"])
            .args(["--mount-proc", "--"])
            .args(interpreter)
            .arg(script)
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

    async fn ask(&mut self, order: &str) -> std::io::Result<Option<String>> {
        self.orders
            .write_all(format!("{order}\n").as_bytes())
            .await?;
        self.answers.next_line().await
    }
}

#[async_trait(?Send)]
impl Entrant for Driver {
    fn name(&self) -> &str {
        &self.name
    }

    async fn up(&mut self, nodes: u16) -> Result<(), BenchError> {
        self.order(&format!("up {nodes}")).await
    }

    async fn check(&mut self) -> Result<(), BenchError> {
        self.order("check").await
    }

    async fn down(&mut self) -> Result<(), BenchError> {
        self.order("down").await
    }

    async fn sweep(&mut self) -> Result<(), BenchError> {
        self.running = None;
        Ok(())
    }
}
