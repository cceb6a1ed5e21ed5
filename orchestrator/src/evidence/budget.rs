//! The budget of bytes for the captures of a run.

use std::sync::atomic::{AtomicU64, Ordering};

/// The room that is left for captures. Shared by all captures of a run.
#[derive(Debug)]
pub struct CaptureBudget {
    left: AtomicU64,
}

impl CaptureBudget {
    /// A budget of `bytes`.
    pub fn new(bytes: u64) -> Self {
        Self {
            left: AtomicU64::new(bytes),
        }
    }

    /// Returns the bytes left: the limit to give to a capture that begins.
    pub fn left(&self) -> u64 {
        self.left.load(Ordering::Relaxed)
    }

    /// Takes `bytes` out. Where there is less, nothing is taken and the answer is `false`: the
    /// capture ends here, incomplete.
    #[must_use = "a capture that is over the budget must end"]
    pub fn take(&self, bytes: u64) -> bool {
        self.left
            .try_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(bytes)
            })
            .is_ok()
    }
}

impl Default for CaptureBudget {
    /// One gibibyte.
    fn default() -> Self {
        Self::new(1 << 30)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captures_share_one_budget_to_the_byte() {
        let budget = CaptureBudget::new(1_000);
        let taken: usize = std::thread::scope(|scope| {
            let takers: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| (0..100).filter(|_| budget.take(3)).count()))
                .collect();
            takers.into_iter().map(|t| t.join().unwrap()).sum()
        });
        assert_eq!(taken, 333);
        assert_eq!(budget.left(), 1);
        assert!(!budget.take(2) && budget.take(1));
    }
}
