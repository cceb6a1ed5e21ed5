//! The estimated time of the cells that are left.

use std::time::{Duration, Instant};

use crate::topology::model::Work;

/// An estimate from the times of the cells that are done, each by its weight.
#[derive(Debug)]
pub struct Estimate {
    begun: Instant,
    left: u64,
    done: u64,
}

impl Estimate {
    /// Begins with cells of this weight together, none of them done.
    pub fn new(weight: u64) -> Self {
        Self {
            begun: Instant::now(),
            left: weight,
            done: 0,
        }
    }

    /// Takes note that a cell of this weight is done.
    pub fn done(&mut self, weight: u64) {
        self.done += weight;
        self.left = self.left.saturating_sub(weight);
    }

    /// Returns the estimated time of the other cells; `None` before the first is done.
    pub fn left(&self) -> Option<Duration> {
        self.left_after(self.begun.elapsed())
    }

    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn left_after(&self, elapsed: Duration) -> Option<Duration> {
        (self.done > 0).then(|| elapsed.mul_f64(self.left as f64 / self.done as f64))
    }
}

/// Returns the weight of a cell: the bytes that its clients move, plus a constant for every cell.
pub fn weight(work: &Work) -> u64 {
    match work {
        Work::Stress(stress) => {
            let bytes = stress.size.0.saturating_mul(stress.clients.workers.into());
            bytes.saturating_add(OVERHEAD)
        }
        _ => 1,
    }
}

/// The bytes that clients move in the time that a cell takes besides.
const OVERHEAD: u64 = 100 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heavy_cells_are_expected_to_take_longer() {
        let mut estimate = Estimate::new(20);
        let after = |estimate: &Estimate| estimate.left_after(Duration::from_secs(10));
        assert_eq!(after(&estimate), None);
        estimate.done(1);
        assert_eq!(after(&estimate), Some(Duration::from_secs(190)));
        estimate.done(9);
        assert_eq!(after(&estimate), Some(Duration::from_secs(10)));
        estimate.done(10);
        assert_eq!(after(&estimate), Some(Duration::ZERO));
    }
}
