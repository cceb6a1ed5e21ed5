//! The census of workers, counted while they are at work.

use std::fs;
use std::io;

/// The threads of this process.
pub(super) fn threads() -> io::Result<u32> {
    Ok(count(fs::read_dir("/proc/self/task")?.count()))
}

/// This process and its children that have not ended.
pub(super) fn processes() -> io::Result<u32> {
    let own = std::process::id();
    let entries = fs::read_dir("/proc")?.flatten();
    let children = entries.filter(|entry| {
        let name = entry.file_name();
        let number = name.to_str().filter(|name| name.parse::<u32>().is_ok());
        number.is_some_and(|number| is_child(number, own))
    });
    Ok(count(1 + children.count()))
}

/// Whether a process is a living child of `parent` (`proc_pid_stat(5)`).
fn is_child(number: &str, parent: u32) -> bool {
    // One that has ended meanwhile is none.
    let stat = fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
    // The name, in parentheses, may hold anything; state and parent follow it.
    let mut fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    let state = fields.next().unwrap_or("X");
    let its = fields.next().and_then(|field| field.parse().ok());
    !matches!(state, "Z" | "X") && its == Some(parent)
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_child_counts_while_it_lives() {
        let before = processes().unwrap();
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let number = child.id().to_string();
        assert!(is_child(&number, std::process::id()));
        // Other tests of this process may start children too.
        assert!(before >= 1 && processes().unwrap() >= 2);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!is_child(&number, std::process::id()));
    }
}
