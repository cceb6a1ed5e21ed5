//! A peer that is driven by a small script of ours.

use async_trait::async_trait;

use crate::entrant::Entrant;
use crate::error::BenchError;
use crate::script::Script;

/// A peer that is driven by a script.
#[derive(Debug)]
pub struct Driver {
    name: String,
    interpreter: Vec<&'static str>,
    script: &'static str,
    running: Option<Script>,
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
            none => none.insert(Script::start(&self.interpreter, &[self.script])?),
        };
        match running.ask(order).await?.as_str() {
            "" => Ok(()),
            more => Err(BenchError::Wrong(format!("ok {more}"))),
        }
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
