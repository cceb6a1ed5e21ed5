//! Chance that is the same for the same seed.

/// `SplitMix64` (Steele, Lea and Flood 2014): the same numbers for the same seed, everywhere.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.index(from.len())]
    }

    pub(super) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(u64::try_from(length).unwrap())).unwrap()
    }

    pub(super) fn number(&mut self) -> u32 {
        u32::try_from(self.next() >> 32).unwrap()
    }

    /// At most so many random bytes, less one.
    pub(super) fn bytes(&mut self, limit: u64) -> Vec<u8> {
        (0..self.below(limit))
            .map(|_| self.next().to_be_bytes()[0])
            .collect()
    }

    pub(super) fn up_to_one_of(&mut self, limits: &[u64]) -> u64 {
        let limit = *self.pick(limits);
        self.below(limit)
    }

    pub(super) fn happens(&mut self, thousandths: u64) -> bool {
        self.below(1000) < thousandths
    }
}
