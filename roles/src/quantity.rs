//! Times and lengths on command lines, with their units.

use std::time::Duration;

/// A time in whole `s` or `ms`, from 1ms to 24 hours.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    let (number, milliseconds) = match text.strip_suffix("ms") {
        Some(number) => (number, 1),
        None => (text.strip_suffix('s').unwrap_or_default(), 1000),
    };
    let number: Option<u64> = number.parse().ok();
    let length = number.and_then(|number| number.checked_mul(milliseconds));
    let length = length.map(Duration::from_millis);
    let length = length.filter(|length| (Duration::from_millis(1)..=LONGEST).contains(length));
    length.ok_or_else(|| "write a time up to 24 hours in whole s or ms, as in 10s".to_owned())
}

/// The word that [`time`] reads.
pub(crate) fn time_word(time: Duration) -> String {
    format!("{}ms", time.as_millis())
}

/// A number of bytes, whole and with or without a unit.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let read = UNITS.iter().find_map(|(unit, factor)| {
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        number.checked_mul(*factor)
    });
    read.ok_or_else(|| "write a number of bytes, as in 65536, 64KiB, 10MB or 1GiB".to_owned())
}

const UNITS: [(&str, u64); 7] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("", 1),
];

const LONGEST: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_lengths_are_whole_numbers_with_a_unit() {
        assert_eq!(time("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(
            time(&time_word(Duration::from_millis(5))),
            Ok(Duration::from_millis(5))
        );
        for bad in [
            "",
            "2",
            "s",
            "-1s",
            "0s",
            "1.5s",
            "99999999999999999999s",
            "90000s",
        ] {
            assert!(time(bad).is_err(), "{bad}");
        }
        assert_eq!(bytes("10MiB"), Ok(10 << 20));
        assert_eq!(bytes("64kB"), Ok(64_000));
        assert_eq!(bytes("0"), Ok(0));
        for bad in ["", "-1", "1.5MiB", "MiB", "1 MiB", "99999999999GiB"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
    }
}
