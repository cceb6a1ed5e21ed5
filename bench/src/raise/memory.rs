//! What an idle node of ours holds in memory.

use std::fs;

use orchestrator::backend::BackendKind;
use protocol::keeper::MARK;

use crate::entrant::Entrant;
use crate::error::BenchError;
use crate::ours::Ours;

/// Raises a lab and says in one line what each node's process holds: the proportional set size of
/// proc(5), which shares pages out among those that have them.
///
/// # Errors
/// If the lab cannot be raised, or does not show.
pub(super) async fn measure(nodes: u16) -> Result<String, BenchError> {
    let mut ours = Ours::new(BackendKind::Netns)?;
    let raised = ours.up(nodes).await;
    let held = ours.lab().map(|lab| held(&lab.id().to_string()));
    ours.down().await?;
    ours.sweep().await?;
    raised?;
    let mut held = held?;
    let keepers = held.iter().filter(|process| process.depth < NODE_DEPTH);
    let keeper: u64 = keepers.map(|process| process.kibibytes).sum();
    held.retain(|process| process.depth == NODE_DEPTH);
    held.sort_by_key(|process| process.kibibytes);
    if held.len() != usize::from(nodes) {
        return Err(BenchError::Wrong(format!(
            "{} processes of nodes instead of {nodes}",
            held.len()
        )));
    }
    let all: u64 = held.iter().map(|process| process.kibibytes).sum();
    let each = all / u64::from(nodes);
    let most = held.last().map_or(0, |process| process.kibibytes);
    let verdict = if each <= LIMIT { "met" } else { "MISSED" };
    Ok(format!(
        "Memory of an idle node among {nodes}: {each} KiB PSS in the mean, {most} at the most, and \
         {keeper} for their keeper; target ≤ {LIMIT}: {verdict}"
    ))
}

struct Held {
    /// How many process name spaces the process is in.
    depth: usize,
    kibibytes: u64,
}

/// All processes that carry a lab's mark.
fn held(lab: &str) -> Vec<Held> {
    let mark = format!("{MARK}={lab}");
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let processes = entries.filter_map(|entry| {
        let folder = entry.ok()?.path();
        let environment = fs::read(folder.join("environ")).ok()?;
        let mut variables = environment.split(|&byte| byte == 0);
        variables.find(|variable| *variable == mark.as_bytes())?;
        let depth = field(&folder.join("status"), "NSpid:")?
            .split_whitespace()
            .count();
        let pss = field(&folder.join("smaps_rollup"), "Pss:")?;
        let kibibytes = pss.split_whitespace().next()?.parse().ok()?;
        Some(Held { depth, kibibytes })
    });
    processes.collect()
}

fn field(file: &std::path::Path, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(value.to_owned())
}

/// A node's first process is in its own name space, in its keeper's, and in ours.
const NODE_DEPTH: usize = 3;

/// KiB: three megabytes.
const LIMIT: u64 = 3_000_000 / 1024;
