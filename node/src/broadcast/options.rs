//! The command lines of the broadcast roles.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use protocol::name::InterfaceName;

use super::group::Expected;

/// Arguments of `node broadcast-send`.
#[derive(Debug, clap::Args)]
pub struct SendArguments {
    /// 255.255.255.255, a subnet's broadcast address, or one receiver's.
    #[arg(long)]
    pub to: Ipv4Addr,
    /// The receivers' UDP port.
    #[arg(long, default_value_t = 5005)]
    pub port: u16,
    /// The interface to send on; default: the one that the routes choose.
    #[arg(long)]
    pub interface: Option<InterfaceName>,
    /// How many receivers to wait for, or all their addresses, separated by commas.
    #[arg(long, value_parser = receivers)]
    pub receivers: Expected,
    /// A file to send; several with several `--file`.
    #[arg(long = "file", required = true)]
    pub files: Vec<PathBuf>,
    /// Receivers that are not done by then are lost.
    #[arg(long, default_value = "60s", value_parser = duration)]
    pub deadline: Duration,
    /// Receivers that are silent for so long are lost.
    #[arg(long, default_value = "5s", value_parser = duration)]
    pub patience: Duration,
    /// Bits of data a second, as in 20mbit; default: as fast as receivers answer.
    #[arg(long, value_parser = rate)]
    pub rate: Option<u64>,
}

/// Arguments of `node broadcast-receive`.
#[derive(Debug, clap::Args)]
pub struct ReceiveArguments {
    /// The UDP port to listen on.
    #[arg(long, default_value_t = 5005)]
    pub port: u16,
    /// The interface to listen on; default: all.
    #[arg(long)]
    pub interface: Option<InterfaceName>,
    /// Where the files go; made if it is not there.
    #[arg(long)]
    pub directory: PathBuf,
    /// Gives up after this time; default: waits for a sender without end.
    #[arg(long, value_parser = duration)]
    pub deadline: Option<Duration>,
    /// A sender that is silent for so long is gone.
    #[arg(long, default_value = "5s", value_parser = duration)]
    pub patience: Duration,
}

fn receivers(text: &str) -> Result<Expected, String> {
    if let Ok(count) = text.parse() {
        return match count {
            0 => Err("write 1 or more".into()),
            _ => Ok(Expected::Count(count)),
        };
    }
    let addresses: Result<BTreeSet<Ipv4Addr>, _> =
        text.split(',').map(|part| part.trim().parse()).collect();
    addresses
        .map(Expected::Addresses)
        .map_err(|_| "write a number, or IPv4 addresses separated by commas".into())
}

fn duration(text: &str) -> Result<Duration, String> {
    let seconds = scaled(text, &[("ms", 0.001), ("s", 1.0), ("m", 60.0), ("", 1.0)])
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|length| (Duration::from_millis(1)..=LONGEST).contains(length));
    seconds.ok_or_else(|| "write a time from 1ms to 1440m, as in 500ms, 60s or 2m".into())
}

/// Bits a second to bytes a second.
fn rate(text: &str) -> Result<u64, String> {
    let bits = scaled(
        text,
        &[("kbit", 1e3), ("mbit", 1e6), ("gbit", 1e9), ("bit", 1.0)],
    );
    match bits.filter(|bits| (8_000.0..=1e12).contains(bits)) {
        #[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
        #[expect(clippy::cast_sign_loss, reason = "checked to be in range")]
        Some(bits) => Ok((bits / 8.0) as u64),
        None => Err("write a rate from 8kbit to 1000gbit, as in 20mbit".into()),
    }
}

/// A number times what its unit stands for.
fn scaled(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    units.iter().find_map(|(unit, factor)| {
        let number: f64 = text.strip_suffix(unit)?.parse().ok()?;
        Some(number * factor)
    })
}

const LONGEST: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_rates_are_read_with_their_units() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("60s"), duration("1m"));
        assert_eq!(rate("20mbit"), Ok(2_500_000));
        for bad in ["", "s", "-1s", "nan", "inf", "0", "1h", "1e99s"] {
            assert!(duration(bad).is_err(), "{bad}");
            assert!(rate(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn receivers_are_a_number_or_addresses() {
        assert_eq!(receivers("2"), Ok(Expected::Count(2)));
        let both = BTreeSet::from([Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2)]);
        assert_eq!(
            receivers("10.0.0.2, 10.0.0.1"),
            Ok(Expected::Addresses(both))
        );
        for bad in ["0", "", "alpine-1", "10.0.0.1,"] {
            assert!(receivers(bad).is_err(), "{bad}");
        }
    }
}
