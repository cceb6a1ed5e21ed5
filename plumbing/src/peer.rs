//! The process at the other end of a Unix socket.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{getsockopt, sockopt};
use nix::unistd::geteuid;

use super::capability::CAP_SETPCAP;
use super::process::ProcessHandle;

/// Returns whether the process that connected, or that listens, is of this process's user and not confined, as the programs
/// of a node are (see [`super::confinement`]): they lack the right to take rights away, for good. A process outside of this
/// one's process namespace has no number here and counts as unconfined, also if it is of another node: nodes must not see
/// each other's sockets.
///
/// # Errors
/// If the process cannot be looked at; it has ended, perhaps.
pub fn is_unconfined(socket: &impl AsFd) -> io::Result<bool> {
    let peer = getsockopt(socket, sockopt::PeerCredentials)?;
    if peer.uid() != geteuid().as_raw() {
        return Ok(false);
    }
    let Ok(number @ 1..) = u32::try_from(peer.pid()) else {
        return Ok(true);
    };
    let held = hold(socket, number)?;
    let rights = rights_of(number)?;
    // As long as it has not ended, the number is its own.
    if held.wait(Duration::ZERO)? {
        return Err(Errno::ESRCH.into());
    }
    Ok(rights & 1 << CAP_SETPCAP != 0)
}

/// Takes hold of the process. Kernels before 6.5 do not give it with the socket, and its number may be another's by then.
fn hold(socket: &impl AsFd, number: u32) -> io::Result<ProcessHandle> {
    match getsockopt(socket, sockopt::PeerPidfd) {
        Ok(descriptor) => Ok(ProcessHandle::from(descriptor)),
        Err(Errno::ENOPROTOOPT) => ProcessHandle::open(number),
        Err(error) => Err(error.into()),
    }
}

/// Returns the rights that a process and its children may ever have (`CapBnd`, `proc_pid_status(5)`).
fn rights_of(process: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("CapBnd:"));
    let rights = line.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok());
    rights.ok_or_else(|| ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn this_process_is_not_confined() {
        let (one, _other) = UnixStream::pair().unwrap();
        assert!(is_unconfined(&one).unwrap());
    }
}
