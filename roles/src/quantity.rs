//! Times and lengths on command lines, with their units.

use std::time::Duration;

/// A time in whole `s` or `ms`, from 1ms to 24 hours.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    within(text, Duration::from_millis(1))
}

/// A time in whole `s` or `ms`, from none to 24 hours.
pub(crate) fn time_or_none(text: &str) -> Result<Duration, String> {
    within(text, Duration::ZERO)
}

fn within(text: &str, shortest: Duration) -> Result<Duration, String> {
    let (number, milliseconds) = match text.strip_suffix("ms") {
        Some(number) => (number, 1),
        None => (text.strip_suffix('s').unwrap_or_default(), 1000),
    };
    let number: Option<u64> = number.parse().ok();
    let length = number.and_then(|number| number.checked_mul(milliseconds));
    let length = length.map(Duration::from_millis);
    let length = length.filter(|length| (shortest..=LONGEST).contains(length));
    length.ok_or_else(|| "write a time up to 24 hours in whole s or ms, as in 10s".to_owned())
}

/// Writes the word that [`time`] and [`time_or_none`] read.
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

/// The length of a connection's buffer, small enough that a connection needs less than a megabyte.
pub(crate) fn buffer(text: &str) -> Result<usize, String> {
    let length = bytes(text)?;
    let range = 4 << 10..=256 << 10;
    match usize::try_from(length) {
        Ok(length) if range.contains(&length) => Ok(length),
        _ => Err("write a length from 4KiB to 256KiB".to_owned()),
    }
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
            "25h",
            "90000s",
        ] {
            assert!(time(bad).is_err(), "{bad}");
            assert!(bad == "0s" || time_or_none(bad).is_err(), "{bad}");
        }
        assert_eq!(time_or_none("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(time_or_none("0ms"), Ok(Duration::ZERO));
        assert_eq!(bytes("10MiB"), Ok(10 << 20));
        assert_eq!(bytes("64kB"), Ok(64_000));
        assert_eq!(bytes("0"), Ok(0));
        for bad in ["", "-1", "1.5MiB", "MiB", "1 MiB", "99999999999GiB"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
        assert!(buffer("1MiB").is_err() && buffer("1").is_err());
    }
}
