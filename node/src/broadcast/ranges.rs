//! Sets of block numbers, kept as ranges: small where what is missing lies together.

use std::collections::BTreeMap;
use std::ops::Range;

/// A set of block numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ranges {
    /// Start to end (exclusive); neither overlapping nor touching.
    ends: BTreeMap<u32, u32>,
}

impl Ranges {
    /// The set of one range's numbers.
    pub(super) fn from_range(range: Range<u32>) -> Self {
        let mut ranges = Self::default();
        ranges.insert(range);
        ranges
    }

    /// Adds all numbers of a range.
    pub(super) fn insert(&mut self, range: Range<u32>) {
        if range.is_empty() {
            return;
        }
        let (mut start, mut end) = (range.start, range.end);
        // What overlaps or touches the new range is merged into it, from the last one back.
        while let Some((&from, &to)) = self.ends.range(..=end).next_back() {
            if to < start {
                break;
            }
            start = start.min(from);
            end = end.max(to);
            self.ends.remove(&from);
        }
        self.ends.insert(start, end);
    }

    /// Takes one number out; whether it was in.
    pub(super) fn remove(&mut self, number: u32) -> bool {
        let Some((&start, &end)) = self.ends.range(..=number).next_back() else {
            return false;
        };
        if number >= end {
            return false;
        }
        self.ends.remove(&start);
        if start < number {
            self.ends.insert(start, number);
        }
        if number + 1 < end {
            self.ends.insert(number + 1, end);
        }
        true
    }

    /// The smallest number, taken out.
    pub(super) fn pop_first(&mut self) -> Option<u32> {
        let first = *self.ends.first_key_value()?.0;
        self.remove(first);
        Some(first)
    }

    /// Whether a number of the range is in.
    pub(super) fn overlaps(&self, range: &Range<u32>) -> bool {
        self.within(range).next().is_some()
    }

    /// The set's parts that lie in the range, ascending.
    pub(super) fn within(&self, range: &Range<u32>) -> impl Iterator<Item = Range<u32>> {
        let (low, high) = (range.start, range.end);
        let before = self.ends.range(..low).next_back();
        let after = self.ends.range(low..high.max(low));
        before
            .into_iter()
            .chain(after)
            .map(move |(&start, &end)| start.max(low)..end.min(high))
            .filter(|part| !part.is_empty())
    }

    /// How many numbers of the range are in.
    pub(super) fn count(&self, range: &Range<u32>) -> u32 {
        self.within(range).map(|part| part.end - part.start).sum()
    }

    /// Whether nothing is in.
    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
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
            steps in proptest::collection::vec((any::<bool>(), 0..60_u32, 0..9_u32), 0..60),
            low in 0..60_u32,
            length in 0..60_u32,
        ) {
            let (mut ranges, mut plain) = (Ranges::default(), BTreeSet::new());
            for (insert, start, length) in steps {
                if insert {
                    ranges.insert(start..start + length);
                    plain.extend(start..start + length);
                } else {
                    prop_assert_eq!(ranges.remove(start), plain.remove(&start));
                }
            }
            let window = low..low + length;
            let within: Vec<u32> = ranges.within(&window).flatten().collect();
            let expected: Vec<u32> = plain.range(window.clone()).copied().collect();
            prop_assert_eq!(ranges.count(&window) as usize, expected.len());
            prop_assert_eq!(ranges.overlaps(&window), !expected.is_empty());
            prop_assert_eq!(within, expected);
            prop_assert_eq!(ranges.pop_first(), plain.pop_first());
            prop_assert_eq!(ranges.is_empty(), plain.is_empty());
        }
    }
}
