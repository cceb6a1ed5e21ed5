//! Numbers by which sessions and receivers are told apart.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A number that nobody else is likely to choose.
pub(super) fn random() -> u32 {
    // The standard library seeds its hashers from the kernel.
    let hash = RandomState::new().build_hasher().finish();
    u32::try_from(hash >> 32).unwrap_or_default()
}
