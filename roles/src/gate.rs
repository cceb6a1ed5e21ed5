//! A gate at which workers wait until all are there and were counted.

use std::sync::{Condvar, Mutex, PoisonError};

/// Closed at first.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    /// Waits until it is open.
    pub(crate) fn pass(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.opened.wait_while(open, |open| !*open);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Opens it for good.
    pub(crate) fn open(&self) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.opened.notify_all();
    }
}
