//! The chain of digests by which a receiver proves what it has stored (see [`protocol::datagram`]).

use sha2::{Digest, Sha256};

/// The proof of no files.
pub(super) const NOTHING: [u8; 32] = [0; 32];

/// The proof of one file more.
pub(super) fn extend(proof: &[u8; 32], sha256: &[u8; 32]) -> [u8; 32] {
    Sha256::new()
        .chain_update(proof)
        .chain_update(sha256)
        .finalize()
        .into()
}

/// A digest in lower-case hexadecimal, as people compare it.
pub(super) fn hexadecimal(digest: &[u8; 32]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    digest
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}
