//! Waits in the node: until a port is listened on, or a file is there.

use std::future::pending;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use plumbing::endpoint::Endpoint;
use protocol::control::{Condition, Failure, FailureKind, Transport};
use tokio::fs;

use super::failure::{refusal, system};

/// Returns once the condition holds.
pub(crate) async fn until(condition: &Condition) -> Result<(), Failure> {
    match condition {
        Condition::Port { transport, port } => until_port(*transport, *port, true).await,
        Condition::FreePort { transport, port } => until_port(*transport, *port, false).await,
        Condition::File { path } if path.starts_with('/') => until_file(Path::new(path)).await,
        Condition::File { path } => Err(refusal(
            FailureKind::Invalid,
            format!("`{path}`: paths in a node are absolute, they begin with `/`"),
        )),
    }
}

/// The failure of a wait that took too long.
pub(super) fn in_vain(condition: &Condition, within_ms: u64) -> Failure {
    let message = match condition {
        Condition::Port {
            transport: Transport::Tcp,
            port,
        } => format!("nothing listened on TCP port {port} within {within_ms} ms"),
        Condition::Port {
            transport: Transport::Udp,
            port,
        } => format!("nothing was bound to UDP port {port} within {within_ms} ms"),
        Condition::FreePort { transport, port } => {
            let transport = match transport {
                Transport::Tcp => "TCP",
                Transport::Udp => "UDP",
            };
            format!("{transport} port {port} was not free within {within_ms} ms")
        }
        Condition::File { path } => format!("there was no file {path} within {within_ms} ms"),
    };
    refusal(FailureKind::Deadline, message)
}

/// The kernel tells nobody when a socket starts to listen, or ceases to, so its tables are looked at
/// again and again; this is the only wait in the agent that has no event.
async fn until_port(transport: Transport, port: u16, open: bool) -> Result<(), Failure> {
    let (tables, state) = match transport {
        Transport::Tcp => (["/proc/net/tcp", "/proc/net/tcp6"], TCP_LISTEN),
        Transport::Udp => (["/proc/net/udp", "/proc/net/udp6"], UDP_UNCONNECTED),
    };
    let mut again = tokio::time::interval(LOOK_AGAIN);
    loop {
        again.tick().await;
        let mut is_there = false;
        for table in tables {
            match fs::read_to_string(table).await {
                Ok(sockets) => is_there |= sockets.lines().any(|line| is_open(line, port, state)),
                // A kernel without IPv6 has no table for it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(system(format_args!("reading {table}"), &error)),
            }
        }
        if is_there == open {
            return Ok(());
        }
    }
}

/// Whether a line of a socket table (`proc_pid_net(5)`) is of a socket with this local port and state.
fn is_open(line: &str, port: u16, state: &str) -> bool {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let local = fields
        .next()
        .and_then(|address| address.rsplit(':').next())
        .and_then(|digits| u16::from_str_radix(digits, 16).ok());
    local == Some(port) && fields.nth(1) == Some(state)
}

/// Watches the nearest folder there is on the way to the file. The watch stands before the file is
/// looked for, so that none is missed between the two.
async fn until_file(path: &Path) -> Result<(), Failure> {
    let failed = |error: io::Error| system(format_args!("waiting for {}", path.display()), &error);
    loop {
        let folder = nearest_folder(path).await;
        let watch = match Watch::on(&folder) {
            Ok(watch) => watch,
            // It went away since; a nearer or farther one is there.
            Err(Errno::ENOENT | Errno::ENOTDIR) => continue,
            Err(error) => return Err(failed(error.into())),
        };
        if fs::symlink_metadata(path).await.is_ok() {
            return Ok(());
        }
        if nearest_folder(path).await == folder {
            watch.changed().await.map_err(failed)?;
        }
    }
}

async fn nearest_folder(path: &Path) -> PathBuf {
    for folder in path.ancestors().skip(1) {
        if fs::metadata(folder).await.is_ok_and(|found| found.is_dir()) {
            return folder.to_owned();
        }
    }
    PathBuf::from("/")
}

/// A watch for changes of a folder's entries (inotify(7)).
enum Watch {
    Events(Endpoint),
    /// The user has as many watches as allowed (128 by default, for all nodes together); the folder
    /// is then looked at again and again.
    Refused,
}

impl Watch {
    fn on(folder: &Path) -> nix::Result<Self> {
        let inotify = match Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK) {
            Err(Errno::EMFILE) => return Ok(Self::Refused),
            other => other?,
        };
        let changes = AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_MOVED_TO
            | AddWatchFlags::IN_DELETE_SELF
            | AddWatchFlags::IN_MOVE_SELF;
        match inotify.add_watch(folder, changes) {
            Err(Errno::ENOSPC) => return Ok(Self::Refused),
            other => other?,
        };
        Endpoint::new(inotify)
            .map(Self::Events)
            .map_err(|error| Errno::try_from(error).unwrap_or(Errno::EIO))
    }

    /// Waits for a change. It does not matter which, because each look makes a new watch.
    async fn changed(self) -> io::Result<()> {
        match self {
            Self::Events(events) => events.readable().await,
            Self::Refused => {
                tokio::time::timeout(LOOK_AGAIN, pending::<()>()).await.ok();
                Ok(())
            }
        }
    }
}

/// `TCP_LISTEN` in the kernel's `include/net/tcp_states.h`, as the table shows it.
const TCP_LISTEN: &str = "0A";

/// The state that the table shows for a UDP socket without a peer (`TCP_CLOSE`).
const UDP_UNCONNECTED: &str = "07";

const LOOK_AGAIN: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_open_by_its_local_port_and_state() {
        let listening = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000";
        assert!(is_open(listening, 8080, TCP_LISTEN));
        assert!(!is_open(listening, 8081, TCP_LISTEN));
        assert!(!is_open(listening, 8080, UDP_UNCONNECTED));
        let to_it = "   1: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000";
        assert!(!is_open(to_it, 8080, TCP_LISTEN));
        let ipv6 = " 25: 00000000000000000000000000000000:0277 \
                    00000000000000000000000000000000:0000 07 00000000:00000000";
        assert!(is_open(ipv6, 0x277, UDP_UNCONNECTED));
        assert!(!is_open(
            "  sl  local_address rem_address   st",
            0,
            TCP_LISTEN
        ));
    }
}
