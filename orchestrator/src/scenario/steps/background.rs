//! Programs that run beside the later steps.

use protocol::control::{Exit, Stream};
use tokio::sync::watch;

use crate::control::process::{COLLECT_LIMIT, ProcessHandle};
use crate::control::{Collected, Process, ProcessEvent};

/// A program that runs beside the later steps. Its output is read all the time, so that it never
/// waits for us.
#[derive(Debug)]
pub struct Background {
    handle: ProcessHandle,
    seen: watch::Receiver<Seen>,
}

/// The output and end of a program so far.
#[derive(Debug, Clone, Default)]
struct Seen {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    dropped: u64,
    exit: Option<Exit>,
    lost: bool,
}

impl Background {
    /// Begins to read a program's output.
    pub fn watch(process: Process) -> Self {
        let handle = process.handle();
        let (sender, seen) = watch::channel(Seen::default());
        tokio::spawn(follow(process, sender));
        Self { handle, seen }
    }

    /// Returns a handle to control it.
    pub fn handle(&self) -> &ProcessHandle {
        &self.handle
    }

    /// Waits until it has printed a line with this text, on either stream.
    ///
    /// # Errors
    /// If it ended, or its node died, without having printed it.
    pub async fn line(&mut self, text: &str) -> Result<(), String> {
        let over = |seen: &Seen| has_line(seen, text) || seen.exit.is_some() || seen.lost;
        match self.seen.wait_for(over).await {
            Ok(seen) if has_line(&seen, text) => Ok(()),
            Ok(seen) => Err(match seen.exit {
                Some(exit) => {
                    format!(
                        "{} without having printed {text:?}",
                        super::expect::ending(exit)
                    )
                }
                None => "its node died".to_owned(),
            }),
            Err(_) => Err("its node died".to_owned()),
        }
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// If its node died.
    pub async fn end(&mut self) -> Result<Collected, String> {
        let seen = self
            .seen
            .wait_for(|seen| seen.exit.is_some() || seen.lost)
            .await;
        let seen = seen.map_err(|_| "its node died".to_owned())?;
        let exit = seen.exit.ok_or_else(|| "its node died".to_owned())?;
        let (stdout, stderr) = (seen.stdout.clone(), seen.stderr.clone());
        Ok(Collected {
            stdout,
            stderr,
            dropped: seen.dropped,
            exit,
        })
    }
}

async fn follow(mut process: Process, seen: watch::Sender<Seen>) {
    loop {
        match process.next().await {
            Ok(ProcessEvent::Printed(stream, bytes)) => seen.send_modify(|seen| {
                let kept = if stream == Stream::Error {
                    &mut seen.stderr
                } else {
                    &mut seen.stdout
                };
                let room = COLLECT_LIMIT.saturating_sub(kept.len()).min(bytes.len());
                kept.extend(bytes.iter().take(room));
                seen.dropped += (bytes.len() - room) as u64;
            }),
            Ok(ProcessEvent::Exited(exit)) => {
                return seen.send_modify(|seen| seen.exit = Some(exit));
            }
            Err(error) => {
                tracing::debug!(%error, "lost a program");
                return seen.send_modify(|seen| seen.lost = true);
            }
        }
    }
}

fn has_line(seen: &Seen, text: &str) -> bool {
    [&seen.stdout, &seen.stderr].iter().any(|printed| {
        String::from_utf8_lossy(printed)
            .lines()
            .any(|line| line.contains(text))
    })
}
