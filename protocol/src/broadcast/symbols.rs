//! Sets of a block's symbols.

use std::ops::Range;

use super::datagram::DatagramError;
use super::layout::MOST_SOURCE;
use super::reader::Reader;

/// A set of symbol numbers of one block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SymbolSet {
    /// Bit `n % 64` of word `n / 64`; the last word is not 0.
    words: Vec<u64>,
}

impl SymbolSet {
    /// The numbers of a range.
    pub fn from_range(range: Range<u16>) -> Self {
        range.collect()
    }

    /// Adds a number.
    pub fn insert(&mut self, symbol: u16) {
        let word = usize::from(symbol / 64);
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= 1 << (symbol % 64);
    }

    /// Takes a number out; says whether it was in.
    pub fn remove(&mut self, symbol: u16) -> bool {
        let bit = 1 << (symbol % 64);
        let Some(word) = self.words.get_mut(usize::from(symbol / 64)) else {
            return false;
        };
        let was_in = *word & bit != 0;
        *word &= !bit;
        self.trim();
        was_in
    }

    /// Adds all numbers of another set.
    pub fn unite(&mut self, other: &Self) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        for (own, more) in self.words.iter_mut().zip(&other.words) {
            *own |= more;
        }
    }

    /// Takes out all numbers from this one on.
    pub fn truncate(&mut self, end: u16) {
        self.words.truncate(usize::from(end.div_ceil(64)));
        if let (Some(last), keep @ 1..) = (self.words.get_mut(usize::from(end / 64)), end % 64) {
            *last &= (1 << keep) - 1;
        }
        self.trim();
    }

    /// Whether a number is in.
    pub fn contains(&self, symbol: u16) -> bool {
        let word = self.words.get(usize::from(symbol / 64));
        word.is_some_and(|word| word & (1 << (symbol % 64)) != 0)
    }

    /// Returns how many numbers are in the set.
    pub fn count(&self) -> u16 {
        let ones: u32 = self.words.iter().map(|word| word.count_ones()).sum();
        u16::try_from(ones).unwrap_or(u16::MAX)
    }

    /// Whether nothing is in.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u16> {
        self.ranges().flatten()
    }

    /// The numbers as the longest ranges that hold them, ascending.
    pub fn ranges(&self) -> impl Iterator<Item = Range<u16>> {
        let mut from = 0;
        std::iter::from_fn(move || {
            let start = self.next(from, true)?;
            let end = self.next(start, false)?;
            from = end;
            Some(start..end)
        })
    }

    /// The first number from `from` on that is in, or that is not.
    fn next(&self, from: u16, present: bool) -> Option<u16> {
        let mut index = usize::from(from / 64);
        let mut mask = u64::MAX << (from % 64);
        loop {
            let Some(&word) = self.words.get(index) else {
                let end = u16::try_from(self.words.len() * 64).unwrap_or(u16::MAX);
                return (!present).then_some(end.max(from));
            };
            let found = (if present { word } else { !word }) & mask;
            if found != 0 {
                let bit = usize::try_from(found.trailing_zeros()).unwrap_or_default();
                return u16::try_from(index * 64 + bit).ok();
            }
            (index, mask) = (index + 1, u64::MAX);
        }
    }

    fn insert_range(&mut self, range: Range<u16>) {
        for symbol in range {
            self.insert(symbol);
        }
    }

    fn trim(&mut self) {
        while self.words.last() == Some(&0) {
            self.words.pop();
        }
    }

    pub(super) fn read_ranges(
        reader: &mut Reader<'_>,
        count: usize,
    ) -> Result<Self, DatagramError> {
        let mut set = Self::default();
        for _ in 0..count {
            let (first, length) = (reader.u16()?, reader.u16()?);
            let end = first.checked_add(length).filter(|&end| end <= MOST_SOURCE);
            set.insert_range(first..end.ok_or(DatagramError::Content)?);
        }
        Ok(set)
    }

    pub(super) fn read_bits(bits: &[u8]) -> Result<Self, DatagramError> {
        if bits.len() > usize::from(MOST_SOURCE.div_ceil(8)) {
            return Err(DatagramError::Content);
        }
        let word = |bytes: &[u8]| {
            let bytes = bytes.iter().rev();
            bytes.fold(0, |word, &byte| word << 8 | u64::from(byte))
        };
        let mut set = Self {
            words: bits.chunks(8).map(word).collect(),
        };
        set.trim();
        Ok(set)
    }

    /// The first `count` ranges, each as first number and length.
    pub(super) fn write_ranges(&self, out: &mut Vec<u8>, count: usize) {
        for range in self.ranges().take(count) {
            out.extend(range.start.to_be_bytes());
            out.extend((range.end - range.start).to_be_bytes());
        }
    }

    /// Bit `n % 8` of byte `n / 8`, without trailing zeroes.
    pub(super) fn bit_bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.words.iter().flat_map(|w| w.to_le_bytes()).collect();
        while bytes.last() == Some(&0) {
            bytes.pop();
        }
        bytes
    }
}

impl FromIterator<u16> for SymbolSet {
    fn from_iter<I: IntoIterator<Item = u16>>(symbols: I) -> Self {
        let mut set = Self::default();
        for symbol in symbols {
            set.insert(symbol);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_holds_what_a_plain_set_holds(
            steps in proptest::collection::vec((any::<bool>(), 0..300_u16), 0..80),
            more in proptest::collection::btree_set(0..400_u16, 0..20),
            end in 0..400_u16,
        ) {
            let (mut set, mut plain) = (SymbolSet::default(), BTreeSet::new());
            for (insert, symbol) in steps {
                if insert {
                    set.insert(symbol);
                    plain.insert(symbol);
                } else {
                    prop_assert_eq!(set.remove(symbol), plain.remove(&symbol));
                }
            }
            set.unite(&more.iter().copied().collect());
            plain.extend(more);
            set.truncate(end);
            plain.retain(|&symbol| symbol < end);
            prop_assert_eq!(usize::from(set.count()), plain.len());
            prop_assert_eq!(set.is_empty(), plain.is_empty());
            prop_assert!((0..500).all(|symbol| set.contains(symbol) == plain.contains(&symbol)));
            prop_assert_eq!(SymbolSet::read_bits(&set.bit_bytes()), Ok(set.clone()));
            prop_assert_eq!(set.iter().collect::<BTreeSet<_>>(), plain);
        }
    }
}
