//! The priority of the calling thread.

use std::io;

use nix::libc;

/// Has the calling thread stand back behind others that want the processor, for good: it has a ninth of
/// what they have, and they need not wait for it. Its process's other threads are as they were.
///
/// # Errors
/// The system's; to stand back is denied to nobody (setpriority(2)).
pub fn stand_back() -> io::Result<()> {
    // SAFETY: the call takes integers only. To Linux, number 0 is the calling thread alone.
    let result = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, BEHIND) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// A nice value whose weight is a ninth of the usual one's (sched(7)).
const BEHIND: libc::c_int = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn nice() -> libc::c_int {
        // SAFETY: the call takes integers only.
        unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) }
    }

    #[test]
    fn only_the_calling_thread_stands_back() {
        let before = nice();
        let behind = std::thread::spawn(|| stand_back().map(|()| nice()));
        assert_eq!(behind.join().unwrap().unwrap(), before.max(BEHIND));
        assert_eq!(nice(), before);
    }
}
