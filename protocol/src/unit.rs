//! Values with units, parsed once. What is displayed reads back to the same value.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A length of time, `10ms`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub Duration);

/// A share, from 0 to 100 per cent, `2.5%`.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64")]
pub struct Percent(pub f64);

/// A data rate in bits a second, more than none, `100mbit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u64")]
pub struct Rate(pub u64);

/// A size in bytes, `64KiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ByteSize(pub u64);

/// Why a text is not such a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {noun}: {remedy}")]
pub struct UnitError {
    /// The text as written.
    pub text: String,
    /// The expected kind of text, with its article.
    pub noun: &'static str,
    /// The text to write instead.
    pub remedy: &'static str,
}

impl FromStr for Time {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        scaled(text, TIME_UNITS)
            .map(|nanoseconds| Self(Duration::from_nanos(nanoseconds)))
            .ok_or_else(|| UnitError {
                text: text.to_owned(),
                noun: "a duration",
                remedy: "write a number with ns, us, ms, s, m or h: 10ms, 1.5s, 2m",
            })
    }
}

impl FromStr for Percent {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        text.strip_suffix('%')
            .filter(|number| number.starts_with(|c: char| c.is_ascii_digit()))
            .filter(|number| number.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
            .and_then(|number| Self::try_from(number.parse::<f64>().ok()?).ok())
            .ok_or_else(|| no_share(text))
    }
}

impl TryFrom<f64> for Percent {
    type Error = UnitError;

    fn try_from(share: f64) -> Result<Self, UnitError> {
        let fits = (0.0..=100.0).contains(&share);
        fits.then_some(Self(share))
            .ok_or_else(|| no_share(&share.to_string()))
    }
}

fn no_share(text: &str) -> UnitError {
    UnitError {
        text: text.to_owned(),
        noun: "a share",
        remedy: "write a number from 0 to 100 with a per cent sign: 5%, 0.1%",
    }
}

impl FromStr for Rate {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        scaled(text, RATE_UNITS)
            .and_then(|bits| Self::try_from(bits).ok())
            .ok_or_else(|| no_rate(text))
    }
}

impl TryFrom<u64> for Rate {
    type Error = UnitError;

    fn try_from(bits: u64) -> Result<Self, UnitError> {
        let fits = bits > 0;
        fits.then_some(Self(bits))
            .ok_or_else(|| no_rate(&bits.to_string()))
    }
}

fn no_rate(text: &str) -> UnitError {
    UnitError {
        text: text.to_owned(),
        noun: "a data rate",
        remedy: "write a number above 0 with bit, kbit, mbit or gbit: 100mbit, 1.5gbit",
    }
}

impl FromStr for ByteSize {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        scaled(text, SIZE_UNITS).map(Self).ok_or_else(|| UnitError {
            text: text.to_owned(),
            noun: "a size",
            remedy: "write a number with B, kB, KiB, MB, MiB, GB or GiB: 64KiB, 1MB",
        })
    }
}

impl fmt::Display for Time {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match u64::try_from(self.0.as_nanos()) {
            Ok(nanoseconds) => in_units(out, nanoseconds, TIME_UNITS, "s"),
            Err(_) => write!(out, "{}s", self.0.as_secs()),
        }
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}%", self.0)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        in_units(out, self.0, RATE_UNITS, "bit")
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        in_units(out, self.0, SIZE_UNITS, "B")
    }
}

/// Reads a decimal number and one of `units`. `None` where it is neither, does not fit, or is finer
/// than the smallest unit.
fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(split);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let places = u32::try_from(fraction.len()).ok()?;
    let shift = 10_u128.checked_pow(places)?;
    let digits: u128 = format!("{whole}{fraction}").parse().ok()?;
    let product = digits.checked_mul(u128::from(*factor))?;
    (product % shift == 0)
        .then_some(product / shift)
        .and_then(|value| u64::try_from(value).ok())
}

/// Writes `value` as a whole number of the largest unit in which it is one.
fn in_units(
    out: &mut fmt::Formatter<'_>,
    value: u64,
    units: &[(&str, u64)],
    zero: &str,
) -> fmt::Result {
    if value == 0 {
        return write!(out, "0{zero}");
    }
    match units
        .iter()
        .find(|(_, factor)| value.is_multiple_of(*factor))
    {
        Some((unit, factor)) => write!(out, "{}{unit}", value / factor),
        None => write!(out, "{value}"),
    }
}

/// In nanoseconds, the largest first.
const TIME_UNITS: &[(&str, u64)] = &[
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("µs", 1_000),
    ("ns", 1),
];

/// In bits a second, the largest first; decimal, as tc(8) has them.
const RATE_UNITS: &[(&str, u64)] = &[
    ("gbit", 1_000_000_000),
    ("mbit", 1_000_000),
    ("kbit", 1_000),
    ("bit", 1),
];

/// In bytes, the largest first (IEC 80000-13).
const SIZE_UNITS: &[(&str, u64)] = &[
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1_000),
    ("KB", 1_000),
    ("B", 1),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_are_read_with_their_units() {
        assert_eq!("1.5s".parse::<Time>().unwrap().0.as_millis(), 1500);
        assert_eq!("200us".parse::<Time>().unwrap().0.as_nanos(), 200_000);
        assert_eq!("2m".parse::<Time>().unwrap().0.as_secs(), 120);
        assert_eq!("100mbit".parse(), Ok(Rate(100_000_000)));
        assert_eq!("64KiB".parse(), Ok(ByteSize(65536)));
        assert_eq!("0.5%".parse(), Ok(Percent(0.5)));
    }

    #[test]
    fn a_value_without_a_fitting_unit_is_refused() {
        for bad in [
            "",
            "10",
            "ms",
            ".5s",
            "1.s",
            "-1s",
            "1 s",
            "0.5ns",
            "1e3s",
            "99999999999h",
        ] {
            assert!(bad.parse::<Time>().is_err(), "{bad}");
        }
        for bad in [
            "", "%", "5", "-1%", "+1%", "100.1%", "NaN%", "inf%", "1e1%", ".5%",
        ] {
            assert!(bad.parse::<Percent>().is_err(), "{bad}");
        }
        for bad in ["0mbit", "100Mbps", "0.5bit"] {
            assert!(bad.parse::<Rate>().is_err(), "{bad}");
        }
        for bad in ["64K", "1.5B", "20000000000GiB"] {
            assert!(bad.parse::<ByteSize>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_displayed_reads_back(value: u64, share in 0.0..=100.0) {
            let time = Time(Duration::from_nanos(value));
            prop_assert_eq!(time.to_string().parse(), Ok(time));
            prop_assert_eq!(ByteSize(value).to_string().parse(), Ok(ByteSize(value)));
            prop_assert_eq!(Rate(value.max(1)).to_string().parse(), Ok(Rate(value.max(1))));
            prop_assert_eq!(Percent(share).to_string().parse(), Ok(Percent(share)));
        }

        #[test]
        fn no_text_makes_a_parser_panic(text in "\\PC*|[0-9.]{0,40}(ms|s|h|GiB|gbit|%)") {
            let _ = text.parse::<Time>();
            let _ = text.parse::<Percent>();
            let _ = text.parse::<Rate>();
            let _ = text.parse::<ByteSize>();
        }
    }
}
