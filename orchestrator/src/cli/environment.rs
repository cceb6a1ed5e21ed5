//! The environment of this process: folders, terminal, colour. The one place that reads environment variables
//! that are not flags.

use std::io::IsTerminal;
use std::path::PathBuf;

use nix::unistd::geteuid;

/// Where labs that are up are recorded: `/run/orchestrator` for root, else in the user's runtime
/// folder (XDG Base Directory Specification), else in a folder of the user's own below `/tmp`.
pub fn state_dir(given: Option<PathBuf>) -> PathBuf {
    // Labs are marked with it, and are looked for from other working directories.
    let given = given.map(|path| std::path::absolute(&path).unwrap_or(path));
    given.unwrap_or_else(|| {
        if geteuid().is_root() {
            return PathBuf::from("/run/orchestrator");
        }
        match std::env::var_os("XDG_RUNTIME_DIR") {
            Some(folder) if !folder.is_empty() => PathBuf::from(folder).join("orchestrator"),
            _ => PathBuf::from(format!("/tmp/orchestrator-{}", geteuid())),
        }
    })
}

/// Returns the faults to inject into the in-memory backend; see
/// [`crate::backend::fake::FakeBackend::with_faults`].
pub fn fake_faults() -> String {
    std::env::var("ORCHESTRATOR_FAKE_FAULTS").unwrap_or_default()
}

/// The password for a GNS3 server. There is no flag for it.
pub fn gns3_password() -> Option<String> {
    std::env::var("ORCHESTRATOR_GNS3_PASSWORD").ok()
}

/// Whether standard error is a terminal that may show progress bars.
pub fn progress_bars() -> bool {
    std::io::stderr().is_terminal() && !is_dumb()
}

/// Whether a stream may have colour (<https://no-color.org>).
pub fn colour(stream: &impl IsTerminal) -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    stream.is_terminal() && !refused && !is_dumb()
}

/// Whether the terminal knows nothing but lines of text (terminfo(5)).
fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}
