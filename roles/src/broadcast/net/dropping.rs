//! Loses datagrams on purpose, the same ones for the same seed.

use std::str::FromStr;

/// Which of the datagrams that arrive are lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropping {
    /// Of 2³² datagrams, so many are lost.
    threshold: u64,
    state: u64,
}

impl Dropping {
    /// Whether the choice falls on the next datagram.
    pub fn falls_on_next(&mut self) -> bool {
        // `SplitMix64` (Steele, Lea and Flood 2014).
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 32) < self.threshold
    }
}

/// The variable of a node's environment that has all its roles lose datagrams, where their command
/// lines are not at hand.
pub const DROP: &str = "NODE_DROP";

/// A share and a seed, as in `20%:7`.
impl FromStr for Dropping {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write a share and a seed, as in 20%:7".to_owned();
        let (share, seed) = text.split_once("%:").ok_or_else(wrong)?;
        let share: f64 = share.parse().map_err(|_| wrong())?;
        if !(0.0..=100.0).contains(&share) {
            return Err(wrong());
        }
        #[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
        #[expect(clippy::cast_sign_loss, reason = "checked to be in range")]
        let threshold = (share / 100.0 * 2_f64.powi(32)) as u64;
        let state = seed.parse().map_err(|_| wrong())?;
        Ok(Self { threshold, state })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_loses_the_share_that_was_asked_for() {
        let mut dropping: Dropping = "20%:7".parse().unwrap();
        let lost = (0..10_000).filter(|_| dropping.falls_on_next()).count();
        assert!((1_800..2_200).contains(&lost), "{lost}");
        let mut never: Dropping = "0%:7".parse().unwrap();
        assert!((0..1000).all(|_| !never.falls_on_next()));
        for bad in ["", "20", "20%", "101%:1", "x%:1", "1%:x"] {
            assert!(bad.parse::<Dropping>().is_err(), "{bad}");
        }
    }
}
