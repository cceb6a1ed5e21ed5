//! docker-compose with our image; no node is waited for.

use std::fmt::Write;
use std::process::Stdio;

use async_trait::async_trait;
use tempfile::TempDir;
use tokio::process::Command;

use crate::entrant::Entrant;
use crate::error::BenchError;

use super::api::AGENT;
use super::engine::{Engine, LABEL};

/// docker-compose.
#[derive(Debug)]
pub(super) struct Compose {
    name: String,
    engine: Engine,
    image: String,
    folder: TempDir,
    nodes: u16,
    round: usize,
}

impl Compose {
    /// Containers of this image.
    pub(super) fn new(engine: Engine, image: &str, version: &str) -> Result<Self, BenchError> {
        let folder = tempfile::tempdir();
        Ok(Self {
            name: format!("docker-compose {version}"),
            engine,
            image: image.to_owned(),
            folder: folder.map_err(BenchError::system("making a folder for docker-compose"))?,
            nodes: 0,
            round: 0,
        })
    }

    /// Each node is a service, as in a lab each has a name.
    fn write_file(&self, nodes: u16) -> Result<(), BenchError> {
        let mark = &self.engine.mark;
        let label = format!("{{ {LABEL}: {mark} }}");
        let mut text =
            format!("version: '3.4'\nnetworks: {{ lan: {{ labels: {label} }} }}\nservices:\n");
        for node in 0..nodes {
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "  n{node}: {{ image: '{}', command: {AGENT:?}, networks: [lan], labels: {label} }}",
                self.image
            );
        }
        let written = std::fs::write(self.folder.path().join(FILE), text);
        written.map_err(BenchError::system("writing docker-compose's file"))
    }

    async fn compose(&self, order: &[&str]) -> Result<(), BenchError> {
        let running = Command::new("docker-compose")
            .args(["--project-name", &self.engine.fresh_name(self.round)])
            .args(["--file", FILE])
            .args(order)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            // Ctrl-C is for us.
            .process_group(0)
            .kill_on_drop(true)
            .output();
        let output = running
            .await
            .map_err(BenchError::system("running docker-compose"))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().next_back().unwrap_or_default();
        Err(BenchError::Wrong(format!("{}: {last}", output.status)))
    }
}

#[async_trait(?Send)]
impl Entrant for Compose {
    fn name(&self) -> &str {
        &self.name
    }

    async fn up(&mut self, nodes: u16) -> Result<(), BenchError> {
        if self.nodes != nodes {
            self.write_file(nodes)?;
            self.nodes = nodes;
        }
        self.round += 1;
        self.compose(&["up", "--detach", "--no-color"]).await
    }

    async fn check(&mut self) -> Result<(), BenchError> {
        self.engine.check(usize::from(self.nodes)).await
    }

    /// Without a chance to end by themselves, as the others.
    async fn down(&mut self) -> Result<(), BenchError> {
        self.compose(&["down", "--timeout", "0"]).await
    }

    async fn sweep(&mut self) -> Result<(), BenchError> {
        self.engine.sweep().await
    }
}

const FILE: &str = "docker-compose.yml";
