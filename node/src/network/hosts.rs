//! The node's own name and those that resolve in it.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use nix::unistd::{gethostname, sethostname};
use protocol::control::{Failure, FailureKind};
use protocol::name::NodeName;
use protocol::settings::Host;

use super::configure::system;

/// Sets the host name. A container engine has set it already, and leaves us no right to.
///
/// # Errors
/// The system's.
pub fn set_name(name: &NodeName) -> Result<(), Failure> {
    if gethostname().is_ok_and(|now| now == name.as_str()) {
        return Ok(());
    }
    sethostname(name.as_str()).map_err(|error| Failure {
        kind: FailureKind::System,
        message: format!("setting the host name {name}: {error}"),
    })
}

/// Writes `/etc/hosts` in place: it may be a bind mount, which cannot be replaced.
///
/// # Errors
/// The file system's.
pub fn write(text: &str) -> Result<(), Failure> {
    write_to(Path::new("/etc/hosts"), text)
}

fn write_to(path: &Path, text: &str) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    let written = options
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        let mut failure = system(&error, error.kind());
        failure.message = format!("writing {}: {error}", path.display());
        failure
    })
}

/// Returns the lines of hosts(5).
pub fn text(hosts: &[Host]) -> String {
    let mut text = LOCALHOST.to_owned();
    for host in hosts {
        for address in &host.addresses {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{address}\t{}", host.name);
        }
    }
    text
}

const LOCALHOST: &str = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_file_is_written_in_place() {
        use std::os::unix::fs::MetadataExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hosts");
        std::fs::write(&path, "a longer text than what comes after it ".repeat(9)).unwrap();
        let inode = path.metadata().unwrap().ino();
        let host = Host {
            name: "alpine-1".parse().unwrap(),
            addresses: vec!["10.0.0.1".parse().unwrap(), "fd00::1".parse().unwrap()],
        };
        write_to(&path, &text(&[host])).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines = "10.0.0.1\talpine-1\nfd00::1\talpine-1\n";
        assert_eq!(text, format!("{LOCALHOST}{lines}"));
        assert_eq!(path.metadata().unwrap().ino(), inode);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let failure = write_to(Path::new("/no-such-folder/hosts"), "").unwrap_err();
        assert!(failure.message.contains("/no-such-folder/hosts"));
    }
}
