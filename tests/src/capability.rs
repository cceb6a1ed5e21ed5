//! What this machine can run, and why not.

use std::path::Path;
use std::process::{Command, Stdio};

/// An ordinary user of every machine, `nobody`.
pub const NOBODY: u32 = 65_534;

/// Whether tests may act as root.
///
/// # Errors
/// Why not.
pub fn root() -> Result<(), String> {
    if nix::unistd::geteuid().is_root() && probe("unshare", &["--net", "--mount", "true"]) {
        return Ok(());
    }
    Err("needs root's rights; run as root".to_owned())
}

/// Whether an ordinary user may make namespaces here.
///
/// # Errors
/// Why not.
pub fn rootless() -> Result<(), String> {
    let unshare = ["unshare", "--user", "--map-root-user", "--net", "true"];
    let able = if nix::unistd::geteuid().is_root() {
        let ids = [format!("--reuid={NOBODY}"), format!("--regid={NOBODY}")];
        let mut words = vec![ids[0].as_str(), ids[1].as_str(), "--clear-groups"];
        words.extend(unshare);
        probe("setpriv", &words)
    } else {
        probe(unshare[0], &unshare[1..])
    };
    able.then_some(())
        .ok_or_else(|| "an ordinary user may not make user namespaces here".to_owned())
}

/// Whether a program is installed.
///
/// # Errors
/// Names it.
pub fn program(name: &str) -> Result<(), String> {
    let there = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        .iter()
        .any(|folder| Path::new(folder).join(name).exists());
    there
        .then_some(())
        .ok_or_else(|| format!("{name} is not installed"))
}

/// All of several capabilities.
///
/// # Errors
/// The first that is missing.
pub fn all(needs: &[Result<(), String>]) -> Result<(), String> {
    needs.iter().cloned().collect()
}

/// Whether a program runs and succeeds.
pub fn probe(program: &str, words: &[&str]) -> bool {
    let quiet = |command: &mut Command| {
        command
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
    };
    quiet(&mut Command::new(program)).is_ok_and(|status| status.success())
}
