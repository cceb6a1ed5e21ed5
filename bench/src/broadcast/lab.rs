//! A sender and its receivers in namespaces of their own, driven by a script.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use crate::error::BenchError;
use crate::script::Script;

/// The lab, which ends when it is dropped.
#[derive(Debug)]
pub(super) struct Lab(Script);

impl Lab {
    /// A lab without nodes; `node` is our binary.
    pub(super) fn new(node: &Path) -> Result<Self, BenchError> {
        let arguments = [OsStr::new(SCRIPT), node.as_os_str()];
        Script::start(&["/usr/bin/python3", "-c"], &arguments).map(Self)
    }

    /// Has it do something that answers `ok` and no more.
    pub(super) async fn order(&mut self, order: &str) -> Result<(), BenchError> {
        self.0.ask(order).await.map(drop)
    }

    /// Has an entrant give the file to all; returns how long that took.
    pub(super) async fn run(&mut self, entrant: &str) -> Result<Duration, BenchError> {
        let answer = self.0.ask(&format!("run {entrant}")).await?;
        let seconds = answer.parse().ok();
        seconds
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .ok_or_else(|| BenchError::Wrong(format!("no time: {answer}")))
    }
}

const SCRIPT: &str = include_str!("lab.py");
