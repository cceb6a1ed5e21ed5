//! Open descriptors of the process.

use std::io;

use nix::libc;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Closes what a process was left by whoever started it, beside the three standard descriptors. To be
/// called before anything is opened.
///
/// # Errors
/// The system's.
pub fn close_inherited() -> io::Result<()> {
    // SAFETY: the call takes integers only; what it closes has no owner in this program yet, by this
    // function's contract, and using a closed descriptor gives EBADF.
    let result = unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Allows the process as many descriptors as it may have, and returns how many that is.
///
/// # Errors
/// The system's.
pub fn raise_limit() -> io::Result<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(hard)
}
