//! An original against its copies, byte for byte, in one pass and bounded memory.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

use crate::report::model::FileOutcome;

/// The result of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// Length of the original.
    pub bytes: u64,
    /// Length of the copy; none where there is no copy.
    pub bytes_received: Option<u64>,
    /// SHA-256 of the original, in lower-case hexadecimal.
    pub sha256_sent: String,
    /// SHA-256 of the copy; none where there is no copy.
    pub sha256_received: Option<String>,
    /// Its outcome.
    pub outcome: FileOutcome,
    /// Offset of the first byte that differs; where one is the other's beginning, the length of the
    /// shorter; none for equal files and for one that is not there.
    pub first_difference: Option<u64>,
    /// Ranges of the original that are not in the copy at their place, `[first, end)`, in order, at
    /// most [`MAX_RANGES`]. Both ends are exact to the byte. Ranges closer than a block are one, and
    /// where there are too many the closest are.
    pub missing: Vec<(u64, u64)>,
}

/// Which of the readers failed.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// The original cannot be read to its end.
    #[error("reading the original: {0}")]
    Original(#[source] io::Error),
    /// A copy, by its place in the list, cannot be read to its end.
    #[error("reading copy {0}: {1}")]
    Copy(usize, #[source] io::Error),
}

/// Compares `original` with each of `copies`, of which `None` is one that is not there. All are read
/// once, side by side; the answers come in the order of the copies.
///
/// # Errors
/// [`CompareError`] says which reader failed.
pub fn compare<R: Read>(
    original: &mut impl Read,
    copies: Vec<Option<R>>,
) -> Result<Vec<Comparison>, CompareError> {
    let mut copies: Vec<Option<Copy<R>>> = copies.into_iter().map(|c| c.map(Copy::new)).collect();
    let mut sent = Sha256::new();
    let mut length = 0;
    let mut ours = vec![0; CHUNK];
    let mut theirs = vec![0; CHUNK];
    loop {
        let chunk = fill(original, &mut ours).map_err(CompareError::Original)?;
        for (place, copy) in copies.iter_mut().enumerate() {
            let Some(copy) = copy else { continue };
            copy.follow(chunk, &mut theirs, &sent)
                .map_err(|e| CompareError::Copy(place, e))?;
        }
        sent.update(chunk);
        length += chunk.len() as u64;
        // A short chunk is the end of the original, and every copy was read beyond it.
        if chunk.len() < CHUNK {
            break;
        }
    }
    let finished = copies.into_iter().enumerate().map(|(place, copy)| {
        copy.map_or_else(
            || Ok(absent(length, &sent)),
            |copy| {
                copy.finish(length, &sent, &mut theirs)
                    .map_err(|e| CompareError::Copy(place, e))
            },
        )
    });
    finished.collect()
}

/// SHA-256 and length of all that `reader` still holds.
///
/// # Errors
/// The reader's.
pub fn digest(reader: &mut impl Read) -> io::Result<(String, u64)> {
    let mut hash = Sha256::new();
    let mut length = 0;
    let mut buffer = vec![0; CHUNK];
    loop {
        let chunk = fill(reader, &mut buffer)?;
        hash.update(chunk);
        length += chunk.len() as u64;
        if chunk.len() < CHUNK {
            return Ok((hexadecimal(hash), length));
        }
    }
}

/// A copy on its way through the comparison.
struct Copy<R> {
    reader: R,
    length: u64,
    ended: bool,
    /// The hash of the copy from where it parted from the original. Until then the original's hash is
    /// the copy's too, which spares half of the work for copies that are equal.
    parted: Option<Sha256>,
    differences: Differences,
}

impl<R: Read> Copy<R> {
    fn new(reader: R) -> Self {
        Self {
            reader,
            length: 0,
            ended: false,
            parted: None,
            differences: Differences::default(),
        }
    }

    /// Reads as much as `original` holds and notes where the two differ. `before` is the original's
    /// hash up to here.
    fn follow(&mut self, original: &[u8], buffer: &mut [u8], before: &Sha256) -> io::Result<()> {
        if self.ended {
            return Ok(());
        }
        let chunk = fill(&mut self.reader, &mut buffer[..original.len()])?;
        self.ended = chunk.len() < original.len();
        if chunk != original {
            self.parted.get_or_insert_with(|| before.clone());
            self.differences.note(self.length, original, chunk);
        }
        if let Some(hash) = &mut self.parted {
            hash.update(chunk);
        }
        self.length += chunk.len() as u64;
        Ok(())
    }

    /// Reads what the copy has beyond the original's `length`, and judges.
    fn finish(mut self, length: u64, sent: &Sha256, buffer: &mut [u8]) -> io::Result<Comparison> {
        while !self.ended {
            let chunk = fill(&mut self.reader, buffer)?;
            if chunk.is_empty() {
                break;
            }
            self.parted
                .get_or_insert_with(|| sent.clone())
                .update(chunk);
            self.length += chunk.len() as u64;
        }
        let changed = self.differences.first.is_some();
        let outcome = match self.length.cmp(&length) {
            _ if changed => FileOutcome::Changed,
            std::cmp::Ordering::Less => FileOutcome::Cut,
            std::cmp::Ordering::Equal => FileOutcome::Equal,
            std::cmp::Ordering::Greater => FileOutcome::Changed,
        };
        let parted_at = (self.length != length).then(|| self.length.min(length));
        let first_difference = self.differences.first.or(parted_at);
        if self.length < length {
            self.differences.add(self.length, length);
        }
        let hash = self.parted.unwrap_or_else(|| sent.clone());
        Ok(Comparison {
            bytes: length,
            bytes_received: Some(self.length),
            sha256_sent: hexadecimal(sent.clone()),
            sha256_received: Some(hexadecimal(hash)),
            outcome,
            first_difference,
            missing: self.differences.ranges,
        })
    }
}

fn absent(length: u64, sent: &Sha256) -> Comparison {
    Comparison {
        bytes: length,
        bytes_received: None,
        sha256_sent: hexadecimal(sent.clone()),
        sha256_received: None,
        outcome: FileOutcome::Missing,
        first_difference: None,
        missing: if length == 0 {
            Vec::new()
        } else {
            vec![(0, length)]
        },
    }
}

/// Where a copy differs.
#[derive(Default)]
struct Differences {
    first: Option<u64>,
    ranges: Vec<(u64, u64)>,
}

impl Differences {
    /// Notes where `copy`, which may be shorter, differs from `original`; both begin at `offset`.
    fn note(&mut self, offset: u64, original: &[u8], copy: &[u8]) {
        let blocks = original.chunks(BLOCK).zip(copy.chunks(BLOCK));
        for (start, (original, copy)) in (offset..).step_by(BLOCK).zip(blocks) {
            let differ = |&i: &usize| original[i] != copy[i];
            let mut places = 0..original.len().min(copy.len());
            let Some(first) = places.find(differ) else {
                continue;
            };
            let last = places.rfind(differ).unwrap_or(first);
            self.first.get_or_insert(start + first as u64);
            self.add(start + first as u64, start + last as u64 + 1);
        }
    }

    /// Adds a range behind all others.
    fn add(&mut self, first: u64, end: u64) {
        match self.ranges.last_mut() {
            Some(last) if first - last.1 < BLOCK as u64 => last.1 = end,
            _ => self.ranges.push((first, end)),
        }
        if self.ranges.len() > MAX_RANGES {
            self.merge_closest();
        }
    }

    fn merge_closest(&mut self) {
        let gap = |i: &usize| self.ranges[i + 1].0 - self.ranges[*i].1;
        if let Some(closest) = (0..self.ranges.len() - 1).min_by_key(gap) {
            let (_, end) = self.ranges.remove(closest + 1);
            self.ranges[closest].1 = end;
        }
    }
}

/// Reads until `buffer` is full or the reader ends; returns what was read.
fn fill<'b>(reader: &mut impl Read, buffer: &'b mut [u8]) -> io::Result<&'b [u8]> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(&buffer[..filled])
}

fn hexadecimal(hash: Sha256) -> String {
    format!("{:x}", hash.finalize())
}

/// The most ranges that are told apart.
pub const MAX_RANGES: usize = 16;

/// Ranges with fewer equal bytes than this between them are one.
const BLOCK: usize = 1024;

/// The number of bytes read at once; a multiple of [`BLOCK`].
const CHUNK: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: usize = 3 * CHUNK + 12_345;

    fn original() -> Vec<u8> {
        (0u32..)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8 | 1)
            .take(LENGTH)
            .collect()
    }

    fn one(original: &[u8], copy: Option<&[u8]>) -> Comparison {
        let mut found = compare(&mut &original[..], vec![copy]).unwrap();
        assert_eq!(found.len(), 1);
        let found = found.remove(0);
        let sha = |bytes: &[u8]| format!("{:x}", Sha256::digest(bytes));
        assert_eq!(found.sha256_sent, sha(original));
        assert_eq!(found.sha256_received, copy.map(sha));
        assert_eq!(found.bytes, original.len() as u64);
        assert_eq!(found.bytes_received, copy.map(|c| c.len() as u64));
        found
    }

    #[test]
    fn an_equal_copy_is_equal() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, LENGTH] {
            let original = &original()[..length];
            let found = one(original, Some(original));
            assert_eq!(found.outcome, FileOutcome::Equal, "{length}");
            assert_eq!(found.first_difference, None);
            assert_eq!(found.missing, []);
        }
    }

    #[test]
    fn what_is_not_there_is_missing_as_a_whole() {
        let found = one(&original(), None);
        assert_eq!(found.outcome, FileOutcome::Missing);
        assert_eq!(found.missing, [(0, LENGTH as u64)]);
        assert_eq!(one(&[], None).outcome, FileOutcome::Missing);
        assert_eq!(one(&[], None).missing, []);
    }

    #[test]
    fn a_cut_tail_is_named_from_its_first_byte() {
        let original = original();
        for kept in [0, 1, CHUNK, CHUNK + 7, LENGTH - 1] {
            let found = one(&original, Some(&original[..kept]));
            assert_eq!(found.outcome, FileOutcome::Cut, "{kept}");
            assert_eq!(found.first_difference, Some(kept as u64));
            assert_eq!(found.missing, [(kept as u64, LENGTH as u64)]);
        }
    }

    #[test]
    fn a_longer_copy_is_changed_and_misses_nothing() {
        let original = original();
        for extra in [1, CHUNK, 2 * CHUNK + 1] {
            let mut copy = original.clone();
            copy.resize(LENGTH + extra, 7);
            let found = one(&original, Some(&copy));
            assert_eq!(found.outcome, FileOutcome::Changed, "{extra}");
            assert_eq!(found.first_difference, Some(LENGTH as u64));
            assert_eq!(found.missing, []);
        }
        assert_eq!(one(&[], Some(&[1])).outcome, FileOutcome::Changed);
    }

    #[test]
    fn a_hole_of_zeroes_is_exact_at_both_ends() {
        let original = original();
        for (first, end) in [
            (0, 1),
            (5_000, 6_400),
            (CHUNK - 3, CHUNK + 4_000),
            (LENGTH - 1, LENGTH),
        ] {
            let mut copy = original.clone();
            copy[first..end].fill(0);
            let found = one(&original, Some(&copy));
            assert_eq!(found.outcome, FileOutcome::Changed);
            assert_eq!(found.first_difference, Some(first as u64));
            assert_eq!(found.missing, [(first as u64, end as u64)]);
        }
    }

    #[test]
    fn many_holes_become_at_most_sixteen_ranges_that_cover_them() {
        let original = original();
        let mut copy = original.clone();
        let holes: Vec<usize> = (0..200).map(|i| i * 3_000 + i * i).collect();
        for &hole in &holes {
            copy[hole] = 0;
        }
        let found = one(&original, Some(&copy[..LENGTH - 5]));
        assert_eq!(found.outcome, FileOutcome::Changed);
        assert_eq!(found.missing.len(), MAX_RANGES);
        assert!(found.missing.is_sorted());
        for hole in holes {
            let hole = hole as u64;
            assert!(found.missing.iter().any(|r| (r.0..r.1).contains(&hole)));
        }
        assert_eq!(found.missing.last().unwrap().1, LENGTH as u64);
    }

    #[test]
    fn many_copies_are_compared_side_by_side() {
        let original = original();
        let mut changed = original.clone();
        changed[CHUNK] ^= 1;
        let copies = vec![Some(&original[..]), None, Some(&changed[..])];
        let found = compare(&mut &original[..], copies).unwrap();
        let outcomes: Vec<_> = found.iter().map(|c| c.outcome).collect();
        let expected = [
            FileOutcome::Equal,
            FileOutcome::Missing,
            FileOutcome::Changed,
        ];
        assert_eq!(outcomes, expected);
        assert_eq!(found[2].missing, [(CHUNK as u64, CHUNK as u64 + 1)]);
    }

    #[test]
    fn a_reader_that_fails_is_named() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("gone"))
            }
        }
        let error = compare(&mut &b"abc"[..], vec![Some(Broken)]).unwrap_err();
        assert_eq!(error.to_string(), "reading copy 0: gone");
        let error = compare(&mut Broken, vec![Some(&b"abc"[..])]).unwrap_err();
        assert_eq!(error.to_string(), "reading the original: gone");
    }
}
