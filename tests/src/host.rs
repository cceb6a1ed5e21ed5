//! A census of the machine, to compare before and after.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

/// Everything that a lab could leave behind, a line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Census {
    lines: BTreeSet<String>,
}

impl Census {
    /// Looks at processes, namespaces, mounts, links and control groups.
    pub fn take() -> Self {
        let mut lines = BTreeSet::new();
        for (pid, folder) in processes() {
            lines.insert(format!("process {pid}: {}", command_line(&folder)));
            for kind in ["net", "mnt", "pid", "uts", "ipc", "user", "cgroup"] {
                if let Ok(namespace) = fs::read_link(format!("{folder}/ns/{kind}")) {
                    lines.insert(format!("namespace {}", namespace.display()));
                }
            }
        }
        let mounts = read_mounts();
        let machines = MACHINES.get_or_init(|| mounts.lines().map(str::to_owned).collect());
        lines.extend(of_ours(&mounts, machines).map(|line| format!("mount {line}")));
        lines.extend(links().map(|name| format!("link {name}")));
        control_groups(Path::new("/sys/fs/cgroup"), 0, &mut lines);
        Self { lines }
    }

    /// Fails with the difference where the machine is not as it was.
    ///
    /// # Panics
    /// That is how it fails.
    pub fn assert_unchanged(&self) {
        let now = Self::take();
        let new: Vec<_> = now.lines.difference(&self.lines).collect();
        let gone: Vec<_> = self.lines.difference(&now.lines).collect();
        assert!(
            new.is_empty() && gone.is_empty(),
            "the machine is not as it was\nleft behind: {new:#?}\ngone: {gone:#?}"
        );
    }
}

/// Processes that have not ended.
fn processes() -> impl Iterator<Item = (u32, String)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let folder = format!("/proc/{pid}");
        let stat = fs::read_to_string(format!("{folder}/stat")).ok()?;
        // The state stands behind the name, which is in parentheses and may hold anything.
        let state = stat.rsplit(") ").next()?.chars().next()?;
        (!matches!(state, 'Z' | 'X')).then_some((pid, folder))
    })
}

fn command_line(folder: &str) -> String {
    let bytes = fs::read(format!("{folder}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ")
}

/// The mounts of this namespace (`proc_pid_mountinfo(5)`).
fn read_mounts() -> String {
    fs::read_to_string("/proc/self/mountinfo").unwrap_or_default()
}

/// Mounts that are not the machine's, without numbers, which the kernel gives as it likes.
fn of_ours<'a>(mounts: &'a str, machines: &'a BTreeSet<String>) -> impl Iterator<Item = &'a str> {
    let others = mounts.lines().filter(|line| !machines.contains(*line));
    others.filter_map(|line| line.splitn(4, ' ').nth(3))
}

/// Links of this network namespace.
fn links() -> impl Iterator<Item = String> {
    let text = fs::read_to_string("/proc/self/net/dev").unwrap_or_default();
    let names: Vec<String> = text
        .lines()
        .filter_map(|line| line.split_once(':').map(|(name, _)| name.trim().to_owned()))
        .collect();
    names.into_iter()
}

/// Groups of labs, on every hierarchy.
fn control_groups(folder: &Path, depth: usize, lines: &mut BTreeSet<String>) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        let path = entry.path();
        if path
            .components()
            .any(|part| part.as_os_str() == "orchestrator")
        {
            lines.insert(format!("control group {}", path.display()));
        }
        if depth < DEEPEST {
            control_groups(&path, depth + 1, lines);
        }
    }
}

/// Mounts that were there before the first census. They go as the machine likes, also from namespaces
/// of their own: where a container engine removes the folder of a container, a mount on it is gone from
/// everywhere.
static MACHINES: OnceLock<BTreeSet<String>> = OnceLock::new();

const DEEPEST: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_of_the_machine_may_go_and_others_are_listed() {
        let before = "21 1 0:19 / /proc rw - proc proc rw\n\
                      40 21 0:52 / /var/lib/engine/merged rw - fuse.fuse-overlayfs engine rw\n";
        let machines = before.lines().map(str::to_owned).collect();
        assert_eq!(of_ours(before, &machines).count(), 0);
        let after = "21 1 0:19 / /proc rw - proc proc rw\n\
                     41 21 0:53 / /run/left rw - tmpfs left rw\n";
        let listed: Vec<_> = of_ours(after, &machines).collect();
        assert_eq!(listed, ["/ /run/left rw - tmpfs left rw"]);
    }
}
