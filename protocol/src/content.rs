//! Contents of files that are random, the same again from the same seed, and cheap to make from any
//! place on: senders need not hold them, and receivers can tell what should have come.

/// A content without end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    key: u64,
}

impl Content {
    /// The content with this number among those of a seed.
    pub fn new(seed: u64, number: u32) -> Self {
        let key = word(seed, u64::from(number).wrapping_add(STREAM));
        Self { key }
    }

    /// Writes the bytes from `offset` on.
    pub fn fill(&self, offset: u64, out: &mut [u8]) {
        let (mut number, skipped) = (offset / WORD, offset % WORD);
        let mut out = out;
        if skipped > 0 {
            let bytes = word(self.key, number).to_le_bytes();
            let bytes = bytes
                .iter()
                .skip(usize::try_from(skipped).unwrap_or_default());
            let count = out.len().min(bytes.len());
            let (head, rest) = out.split_at_mut(count);
            head.iter_mut()
                .zip(bytes)
                .for_each(|(to, from)| *to = *from);
            out = rest;
            number += 1;
        }
        let (words, tail) = out.as_chunks_mut::<8>();
        for chunk in words {
            *chunk = word(self.key, number).to_le_bytes();
            number += 1;
        }
        let bytes = word(self.key, number).to_le_bytes();
        tail.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    }
}

/// The step and the mixing of wyrand (Wang Yi, public domain): the number-th state needs no earlier one.
fn word(key: u64, number: u64) -> u64 {
    let state = key.wrapping_add(number.wrapping_add(1).wrapping_mul(0xa076_1d64_78bd_642f));
    let product = u128::from(state) * u128::from(state ^ 0xe703_7ed1_a0b4_28db);
    #[expect(clippy::cast_possible_truncation, reason = "the two halves are mixed")]
    let mixed = (product >> 64) as u64 ^ product as u64;
    mixed
}

/// Keeps the keys of contents apart from their words.
const STREAM: u64 = 1 << 63;

const WORD: u64 = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn seeds_and_numbers_make_different_contents() {
        let bytes = |seed, number| {
            let mut bytes = [0; 32];
            Content::new(seed, number).fill(0, &mut bytes);
            bytes
        };
        assert_eq!(bytes(1, 1), bytes(1, 1));
        assert_ne!(bytes(1, 1), bytes(1, 2));
        assert_ne!(bytes(1, 1), bytes(2, 1));
    }

    #[test]
    fn every_byte_is_as_frequent_as_any_other() {
        let mut bytes = vec![0; 256 << 10];
        Content::new(7, 0).fill(0, &mut bytes);
        let mut counts = [0_u32; 256];
        for &byte in &bytes {
            counts[usize::from(byte)] += 1;
        }
        // 1 024 of each are expected, with a standard deviation of 32.
        assert!(
            counts.iter().all(|count| (824..1224).contains(count)),
            "{counts:?}"
        );
    }

    proptest! {
        #[test]
        fn a_content_is_the_same_from_every_place(
            seed: u64,
            start in 0_usize..40,
            length in 0_usize..40,
        ) {
            let content = Content::new(seed, 3);
            let mut whole = [0; 80];
            content.fill(0, &mut whole);
            let mut part = vec![0; length];
            content.fill(start as u64, &mut part);
            prop_assert_eq!(&whole[start..start + length], &part[..]);
        }
    }
}
