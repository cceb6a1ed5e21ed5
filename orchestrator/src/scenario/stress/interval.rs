//! The confidence interval of a mean.

/// The mean of some values and half of its 95 % confidence interval, by Student's t; none of one
/// value.
#[expect(clippy::cast_precision_loss, reason = "a count of runs")]
pub fn mean(values: &[f64]) -> (f64, Option<f64>) {
    let count = values.len() as f64;
    if values.is_empty() {
        return (0.0, None);
    }
    let mean = values.iter().sum::<f64>() / count;
    if values.len() < 2 {
        return (mean, None);
    }
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let deviation = (squares / (count - 1.0)).sqrt();
    let half = quantile(values.len() - 1) * deviation / count.sqrt();
    (mean, Some(half))
}

/// Returns the 97.5 % quantile of Student's t distribution with `freedom` degrees of freedom.
#[expect(clippy::cast_precision_loss, reason = "a count of runs")]
fn quantile(freedom: usize) -> f64 {
    let known = freedom
        .checked_sub(1)
        .and_then(|place| QUANTILES.get(place));
    // The first terms of its expansion about the normal distribution's 1.96.
    known.copied().unwrap_or(1.96 + 2.372 / freedom as f64)
}

/// For 1 to 20 degrees of freedom, as tables have them.
const QUANTILES: [f64; 20] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_students() {
        assert_eq!(mean(&[]), (0.0, None));
        assert_eq!(mean(&[3.0]), (3.0, None));
        let (middle, half) = mean(&[1.0, 2.0, 3.0]);
        assert!((middle - 2.0).abs() < 1e-12);
        // 4.303 · 1 / √3
        assert!((half.unwrap() - 2.4843).abs() < 1e-3, "{half:?}");
        assert_eq!(mean(&[2.0; 5]), (2.0, Some(0.0)));
    }

    #[test]
    fn many_values_are_nearly_normal() {
        assert!((quantile(30) - 2.042).abs() < 4e-3);
        assert!((quantile(1000) - 1.962).abs() < 1e-3);
    }
}
