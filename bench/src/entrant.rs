//! Who takes part in a race.

use std::time::Duration;

use async_trait::async_trait;

use crate::error::BenchError;

/// One way to do what a race is about.
#[async_trait(?Send)]
pub trait Entrant {
    /// What the table calls it.
    fn name(&self) -> &str;

    /// Does it, with so many nodes. This is what is timed.
    async fn up(&mut self, nodes: u16) -> Result<(), BenchError>;

    /// Proves that what is up works.
    async fn check(&mut self) -> Result<(), BenchError>;

    /// Takes it away again. Timed by itself.
    async fn down(&mut self) -> Result<(), BenchError>;

    /// Moments within the last `up`, counted from its start.
    fn moments(&self) -> Vec<(&'static str, Duration)> {
        Vec::new()
    }

    /// Removes everything that a failure may have left.
    async fn sweep(&mut self) -> Result<(), BenchError> {
        Ok(())
    }
}
