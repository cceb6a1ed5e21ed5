//! The command lines of the broadcast roles.

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::time::Duration;

use protocol::broadcast::Seal;
use protocol::name::InterfaceName;

use super::net::{DROP, Dropping, Segmentation};
use super::receive::ReceiveOrder;
use super::send::{Expected, SendOrder};

/// Arguments of `node broadcast-send`.
#[derive(Debug, clap::Args)]
pub struct SendArguments {
    /// 255.255.255.255, a subnet's broadcast address, a multicast group, or one receiver's address.
    #[arg(long)]
    pub to: Ipv4Addr,
    /// The receivers' UDP port.
    #[arg(long, default_value_t = 5005)]
    pub port: u16,
    /// The interface to send on; default: the one that the routes choose.
    #[arg(long)]
    pub interface: Option<InterfaceName>,
    /// The number of receivers to wait for, or all their addresses, separated by commas.
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
    /// Bits of datagrams a second, as in 20mbit, or auto: as fast as receivers and the way to them can.
    #[arg(long, default_value = "auto", value_parser = rate)]
    pub rate: Rate,
    /// The place where bursts are cut into datagrams: the kernel where possible, or the sender, so that links
    /// that lose or delay frames see each datagram by itself.
    #[arg(long, default_value = "auto")]
    pub segmentation: Segmentation,
    /// A file that holds the secret which receivers and sender share.
    #[arg(long)]
    pub key_file: Option<PathBuf>,
    /// The seed of random numbers; default: a new one each time.
    #[arg(long)]
    pub seed: Option<u32>,
    /// Loses a share of the datagrams that arrive, as in 20%:7 with the seed 7.
    #[arg(long, hide = true, env = DROP)]
    pub drop: Option<Dropping>,
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
    /// A multicast group to join.
    #[arg(long)]
    pub group: Option<Ipv4Addr>,
    /// The number of sessions to receive, at the same time or one after the other.
    #[arg(long, default_value_t = 1, value_parser = sessions)]
    pub sessions: usize,
    /// Where the files go; made if it is not there.
    #[arg(long)]
    pub directory: PathBuf,
    /// Gives up after this time; default: waits for a sender without end.
    #[arg(long, value_parser = duration)]
    pub deadline: Option<Duration>,
    /// A sender that is silent for so long is gone.
    #[arg(long, default_value = "5s", value_parser = duration)]
    pub patience: Duration,
    /// A file that holds the secret which receivers and sender share.
    #[arg(long)]
    pub key_file: Option<PathBuf>,
    /// The seed of random numbers; default: a new one each time.
    #[arg(long)]
    pub seed: Option<u32>,
    /// Loses a share of the datagrams that arrive, as in 20%:7 with the seed 7.
    #[arg(long, hide = true, env = DROP)]
    pub drop: Option<Dropping>,
}

/// A rate in bytes a second; `None` is one that is to be found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(pub Option<u64>);

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error("cannot read the key file {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Everybody knows an empty key.
    #[error("the key file {} is empty; write a secret into it", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

impl SendArguments {
    /// Returns the order that these arguments describe.
    ///
    /// # Errors
    /// [`KeyError`] if there is to be a key and it cannot be read.
    pub fn order(self) -> Result<SendOrder, KeyError> {
        Ok(SendOrder {
            seal: seal(self.key_file.as_deref())?,
            to: SocketAddrV4::new(self.to, self.port),
            interface: self.interface,
            files: self.files,
            receivers: self.receivers,
            deadline: self.deadline,
            patience: self.patience,
            rate: self.rate.0,
            segmentation: self.segmentation,
            seed: self.seed,
            dropping: self.drop,
        })
    }
}

impl ReceiveArguments {
    /// Returns the order that these arguments describe.
    ///
    /// # Errors
    /// [`KeyError`] if there is to be a key and it cannot be read.
    pub fn order(self) -> Result<ReceiveOrder, KeyError> {
        Ok(ReceiveOrder {
            seal: seal(self.key_file.as_deref())?,
            port: self.port,
            interface: self.interface,
            group: self.group,
            directory: self.directory,
            sessions: self.sessions,
            deadline: self.deadline,
            patience: self.patience,
            seed: self.seed,
            dropping: self.drop,
        })
    }
}

fn seal(key_file: Option<&Path>) -> Result<Seal, KeyError> {
    let Some(path) = key_file else {
        return Ok(Seal::default());
    };
    let secret = std::fs::read(path).map_err(|source| KeyError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    if secret.is_empty() {
        let path = path.to_owned();
        return Err(KeyError::Empty { path });
    }
    Ok(Seal::with_secret(&secret))
}

fn sessions(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|&count| count > 0);
    count.ok_or_else(|| "write 1 or more".into())
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
fn rate(text: &str) -> Result<Rate, String> {
    if text == "auto" {
        return Ok(Rate(None));
    }
    let bits = scaled(
        text,
        &[("kbit", 1e3), ("mbit", 1e6), ("gbit", 1e9), ("bit", 1.0)],
    );
    match bits.filter(|bits| (8_000.0..=1e12).contains(bits)) {
        #[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
        #[expect(clippy::cast_sign_loss, reason = "checked to be in range")]
        Some(bits) => Ok(Rate(Some((bits / 8.0) as u64))),
        None => Err("write auto, or a rate from 8kbit to 1000gbit, as in 20mbit".into()),
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
        assert_eq!(rate("20mbit"), Ok(Rate(Some(2_500_000))));
        assert_eq!(rate("auto"), Ok(Rate(None)));
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
