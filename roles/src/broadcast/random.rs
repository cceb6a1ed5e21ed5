//! Numbers by which sessions and receivers are told apart.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A number that nobody else is likely to choose: with a seed the same one each time, for the same
/// purpose.
pub(crate) fn draw(seed: Option<u32>, purpose: &str) -> u32 {
    let Some(seed) = seed else {
        return unforeseen();
    };
    let mut hash = blake3::Hasher::new();
    hash.update(&seed.to_le_bytes());
    hash.update(purpose.as_bytes());
    let drawn = hash.finalize();
    let [a, b, c, d, ..] = *drawn.as_bytes();
    u32::from_le_bytes([a, b, c, d])
}

fn unforeseen() -> u32 {
    // The standard library seeds its hashers from the kernel.
    let hash = RandomState::new().build_hasher().finish();
    u32::try_from(hash >> 32).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_for_the_same_purposes() {
        assert_eq!(draw(Some(7), "a"), draw(Some(7), "a"));
        assert_ne!(draw(Some(7), "a"), draw(Some(8), "a"));
        assert_ne!(draw(Some(7), "a"), draw(Some(7), "b"));
        assert_ne!(draw(None, "a"), draw(None, "a"));
    }
}
