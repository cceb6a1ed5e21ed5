//! Frames that the machine beneath a lab has lost. The kernel has one queue a processor for the frames that arrive at
//! virtual interfaces, for those of all labs and of everybody else, and drops what comes while it is full.

use std::time::Duration;

use crate::control::Control;
use crate::number::counted;
use crate::report::model::{Finding, Outcome, ProofReport};
use crate::topology::model::{CaptureMode, Scenario};

use super::context::RunContext;

/// The frames that the machine's queues had dropped when a scenario began.
#[derive(Debug)]
pub(super) struct Overflow<'a> {
    node: &'a Control,
    before: u64,
}

impl<'a> Overflow<'a> {
    /// Begins to count for a scenario that is captured; `None` where no node tells.
    pub(super) async fn begin(cx: &'a RunContext<'_>, scenario: &Scenario) -> Option<Self> {
        if scenario.capture == CaptureMode::Off {
            return None;
        }
        let mut nodes = cx.lab.plan().nodes.iter();
        let node = nodes.find_map(|node| cx.lab.node(&node.name))?;
        let before = read(node).await?;
        Some(Self { node, before })
    }

    /// Adds to proofs that failed how many frames were dropped meanwhile, if any were.
    pub(super) async fn explain(self, proofs: &mut [ProofReport]) {
        let has_failed = |proof: &ProofReport| proof.outcome == Outcome::Failed;
        if proofs.iter().any(has_failed)
            && let Some(after) = read(self.node).await
            && after > self.before
        {
            let failed = proofs.iter_mut().filter(|proof| has_failed(proof));
            failed.for_each(|proof| proof.findings.push(finding(after - self.before)));
        }
    }
}

fn finding(frames: u64) -> Finding {
    let dropped = counted(frames, "frame");
    let text = format!(
        "meanwhile the queues of the lab's machine were full and dropped {dropped} of all its networks \
         (net.core.netdev_max_backlog)"
    );
    Finding {
        outcome: Outcome::Failed,
        node: None,
        text,
    }
}

/// Reads the machine's counters, which every network namespace shows.
async fn read(node: &Control) -> Option<u64> {
    let counters = async { node.get(COUNTERS).await?.all(LONGEST).await };
    let counters = tokio::time::timeout(PATIENCE, counters).await.ok()?.ok()?;
    dropped(std::str::from_utf8(&counters).ok()?)
}

/// The frames that were dropped: the second column, of a line for each processor.
fn dropped(counters: &str) -> Option<u64> {
    let of = |line: &str| u64::from_str_radix(line.split_whitespace().nth(1)?, 16).ok();
    counters.lines().map(of).sum()
}

/// The counters of all processors' queues.
const COUNTERS: &str = "/proc/net/softnet_stat";

/// More than they take on any machine, in bytes.
const LONGEST: usize = 1 << 20;

/// The longest time that a node may take to tell them.
const PATIENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_of_all_processors_count() {
        let counters = "0019541d 0000000a 00000000\n000f5827 00000001 00000000\n";
        assert_eq!(dropped(counters), Some(11));
        assert_eq!(dropped("19541d\n"), None);
    }

    #[test]
    fn the_finding_is_a_sentence() {
        let text = finding(6).text;
        assert!(
            text.contains("dropped 6 frames of all its networks"),
            "{text}"
        );
    }
}
