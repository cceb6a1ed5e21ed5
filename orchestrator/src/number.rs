//! Numbers as people read them: few digits, a unit, thousands apart.

/// A count: `8 412`.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

/// A count of things: `1 file`, `8 412 packets`. The plural is the word with an `s`.
pub fn counted(value: u64, thing: &str) -> String {
    let plural = if value == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", count(value))
}

/// A number of bytes in decimal units: `151 kB`, `1.2 MB`.
pub fn bytes(value: u64) -> String {
    bytes_measured(precise(value))
}

/// A number of bytes that was measured or computed, in decimal units.
pub fn bytes_measured(value: f64) -> String {
    let value = value.max(0.0);
    if value < 1_000.0 {
        return format!("{value:.0} B");
    }
    scaled(value, &["kB", "MB", "GB", "TB", "PB"])
}

/// A rate in bytes a second: `100 MB/s`.
pub fn rate(bytes_per_second: f64) -> String {
    let value = bytes_per_second.max(0.0);
    if value < 1_000.0 {
        return format!("{value:.0} B/s");
    }
    scaled(value, &["kB/s", "MB/s", "GB/s", "TB/s"])
}

/// A duration given in seconds: `0.3 ms`, `133 ms`, `2.05 s`, `3 min 20 s`, `2 h 5 min`.
pub fn seconds(value: f64) -> String {
    let value = value.max(0.0);
    let milliseconds = value * 1e3;
    match value {
        _ if milliseconds < 9.95 => format!("{milliseconds:.1} ms"),
        _ if milliseconds < 999.5 => format!("{milliseconds:.0} ms"),
        _ if value < 9.995 => format!("{value:.2} s"),
        _ if value < 59.95 => format!("{value:.1} s"),
        _ if value < 3_599.5 => {
            let (minutes, seconds) = split(value.round());
            format!("{minutes:.0} min {seconds:.0} s")
        }
        _ => {
            let (hours, minutes) = split((value / 60.0).round());
            format!("{hours:.0} h {minutes:.0} min")
        }
    }
}

/// A measured number without a unit: whole where it is whole, else three significant digits.
pub fn plain(value: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be whole, not negative and small enough"
    )]
    if value.fract() == 0.0 && (0.0..1e15).contains(&value) {
        return count(value as u64);
    }
    match value.abs() {
        v if v >= 99.95 => format!("{value:.0}"),
        v if v >= 9.995 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn split(value: f64) -> (f64, f64) {
    ((value / 60.0).floor(), value % 60.0)
}

/// `value`, at least 1 000, in the first unit that leaves fewer than four digits before the point.
fn scaled(value: f64, units: &[&str]) -> String {
    let mut value = value / 1e3;
    let mut units = units.iter();
    let mut unit = units.next();
    while value >= 999.5 {
        let Some(next) = units.next() else { break };
        unit = Some(next);
        value /= 1e3;
    }
    let digits = usize::from(value < 9.95);
    format!("{value:.digits$} {}", unit.unwrap_or(&""))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "at most three digits of it are shown"
)]
fn precise(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_by_thousands() {
        let grouped = [0, 999, 1_000, 8_412, 1_234_567].map(count);
        assert_eq!(grouped, ["0", "999", "1 000", "8 412", "1 234 567"]);
        assert_eq!(counted(1, "file"), "1 file");
        assert_eq!(counted(0, "file"), "0 files");
    }

    #[test]
    fn bytes_and_rates_have_at_most_three_digits() {
        let sizes = [0, 999, 1_000, 151_402, 999_499, 999_500, 1_204_000];
        assert_eq!(
            sizes.map(bytes),
            [
                "0 B", "999 B", "1.0 kB", "151 kB", "999 kB", "1.0 MB", "1.2 MB"
            ]
        );
        assert_eq!(bytes(u64::MAX), "18447 PB");
        let rates = [0.0, 12.4, 1e8, 9.96e9].map(rate);
        assert_eq!(rates, ["0 B/s", "12 B/s", "100 MB/s", "10 GB/s"]);
    }

    #[test]
    fn durations_never_round_to_a_unit_that_they_are_not_in() {
        let durations = [
            0.0, 0.000_31, 0.009_96, 0.133, 0.999_6, 2.049, 9.996, 59.96, 200.0, 3_599.9, 7_500.0,
        ];
        assert_eq!(
            durations.map(seconds),
            [
                "0.0 ms",
                "0.3 ms",
                "10 ms",
                "133 ms",
                "1.00 s",
                "2.05 s",
                "10.0 s",
                "1 min 0 s",
                "3 min 20 s",
                "1 h 0 min",
                "2 h 5 min"
            ]
        );
    }

    #[test]
    fn measured_numbers_keep_what_matters() {
        let shown = [1_024.0, 0.5, 12.34, 123.4, -1.0].map(plain);
        assert_eq!(shown, ["1 024", "0.50", "12.3", "123", "-1.00"]);
    }
}
