//! Waiting for what must come.

use std::thread;
use std::time::{Duration, Instant};

/// Waits until something holds.
///
/// # Panics
/// If it does not within a time that is long for any machine; says what was waited for.
pub fn until(awaited: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain for {awaited}");
        // Not a wait for something known: it leaves the processor to what is waited for.
        thread::sleep(PAUSE);
    }
}

const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_micros(200);
