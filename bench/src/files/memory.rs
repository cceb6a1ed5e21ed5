//! What a server holds in memory.

use std::fs;
use std::path::Path;

/// The proportional set size of all processes of a server of ours, in KiB: proc(5) shares pages out
/// among the processes that have them.
pub(super) fn of_server(lab: &str) -> u64 {
    let mark = format!("{}={lab}", protocol::keeper::MARK);
    let Ok(entries) = fs::read_dir("/proc") else {
        return 0;
    };
    let held = entries.filter_map(|entry| {
        let folder = entry.ok()?.path();
        let name = fs::read_to_string(folder.join("comm")).ok()?;
        if !name.starts_with("serve") {
            return None;
        }
        let environment = fs::read(folder.join("environ")).ok()?;
        let mut variables = environment.split(|&byte| byte == 0);
        variables.find(|variable| *variable == mark.as_bytes())?;
        proportional(&folder)
    });
    held.sum()
}

fn proportional(folder: &Path) -> Option<u64> {
    let text = fs::read_to_string(folder.join("smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.split_whitespace().next()?.parse().ok()
}
