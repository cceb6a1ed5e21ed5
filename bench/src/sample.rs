//! Measured times.

use std::fmt;
use std::time::Duration;

/// Measured times of the same thing.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    times: Vec<Duration>,
}

impl Sample {
    /// One time.
    pub fn of(time: Duration) -> Self {
        Self { times: vec![time] }
    }

    /// Adds a time.
    pub fn add(&mut self, time: Duration) {
        let place = self.times.partition_point(|known| *known < time);
        self.times.insert(place, time);
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.times.len()
    }

    /// The middle one in milliseconds; of an even number, the mean of the two in the middle. `None`
    /// without any.
    pub fn median(&self) -> Option<f64> {
        let upper = self.times.get(self.times.len() / 2)?;
        let lower = &self.times[(self.times.len() - 1) / 2];
        Some(f64::midpoint(milliseconds(*lower), milliseconds(*upper)))
    }
}

/// The median, and in brackets the least and the most, in milliseconds: `12.3 (11.9–14.0)`.
impl fmt::Display for Sample {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Some(median), Some(least), Some(most)) =
            (self.median(), self.times.first(), self.times.last())
        else {
            return out.pad("–");
        };
        let digits = usize::from(median < 100.0);
        let (least, most) = (milliseconds(*least), milliseconds(*most));
        out.pad(&format!(
            "{median:.digits$} ({least:.digits$}–{most:.digits$})"
        ))
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_whatever_the_order() {
        let mut sample = Sample::default();
        assert_eq!(
            (sample.median(), sample.to_string()),
            (None, "–".to_owned())
        );
        for time in [30, 10, 20] {
            sample.add(Duration::from_millis(time));
        }
        assert_eq!(sample.to_string(), "20.0 (10.0–30.0)");
        sample.add(Duration::from_secs(1));
        assert_eq!(sample.to_string(), "25.0 (10.0–1000.0)");
    }
}
