//! Which peers are installed here.

use std::path::Path;
use std::process::Command;

use crate::console::result;

/// Something to race against that is a program of this machine.
#[derive(Debug)]
pub struct Peer {
    /// Its name.
    pub name: &'static str,
    /// The programs that it takes.
    pub needs: &'static [&'static str],
    /// Debian's package of it, which knows its version.
    pub package: &'static str,
    /// How to install all of it.
    pub install: &'static str,
}

/// A peer's version, or `None` where it is not installed, saying how to.
pub fn installed(peer: &Peer) -> Option<String> {
    if let Some(missing) = peer.needs.iter().find(|program| !is_there(program)) {
        result(&format!(
            "{} is not installed ({missing} is missing): {}",
            peer.name, peer.install
        ));
        return None;
    }
    Some(version(peer.package).unwrap_or_else(|| "of unknown version".to_owned()))
}

fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Joining an absolute path gives that path.
    std::env::split_paths(&path).any(|folder| folder.join(Path::new(program)).is_file())
}

/// The version as upstream counts, of what Debian says: `2.3.0` of `1:2.3.0-1`.
fn version(package: &str) -> Option<String> {
    let query = ["--show", "--showformat=${Version}", package];
    let output = Command::new("dpkg-query").args(query).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let text = text.split_once(':').map_or(text.as_str(), |(_, rest)| rest);
    let version = text.rsplit_once('-').map_or(text, |(version, _)| version);
    (!version.is_empty()).then(|| version.to_owned())
}
