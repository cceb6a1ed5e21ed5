//! A program that is timed from its start to its exit.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use async_trait::async_trait;
use tokio::process::Command;

use crate::entrant::Entrant;
use crate::error::BenchError;

/// A program that is timed from its start to its exit, which must be with code 0.
#[derive(Debug)]
pub(super) struct Whole {
    name: String,
    command: Vec<String>,
    folder: PathBuf,
}

impl Whole {
    /// This program with its arguments, run in a folder.
    pub(super) fn new(name: String, command: &[&str], folder: &Path) -> Self {
        Self {
            name,
            command: command.iter().map(|&word| word.to_owned()).collect(),
            folder: folder.to_owned(),
        }
    }
}

#[async_trait(?Send)]
impl Entrant for Whole {
    fn name(&self) -> &str {
        &self.name
    }

    /// The number of nodes is in the command.
    async fn up(&mut self, _nodes: u16) -> Result<(), BenchError> {
        let Some((program, arguments)) = self.command.split_first() else {
            return Ok(());
        };
        let running = Command::new(program)
            .args(arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            // Ctrl-C is for us; it ends by itself soon enough.
            .process_group(0)
            .kill_on_drop(true)
            .output();
        let output = running.await.map_err(BenchError::system("running it"))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(BenchError::Wrong(format!("{}: {said}", output.status)))
    }

    /// Its exit code has told.
    async fn check(&mut self) -> Result<(), BenchError> {
        Ok(())
    }

    /// It is over.
    async fn down(&mut self) -> Result<(), BenchError> {
        Ok(())
    }
}
