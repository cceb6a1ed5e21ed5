//! BLAKE3 of blocks and of files, and the proof of having them.
//!
//! BLAKE3 is a tree, and a block of 2²⁰ bytes at a multiple of that offset is a whole subtree of its
//! file's. So each byte is hashed once: blocks have their chaining values, and these merge into the
//! hash of the file, the same that `b3sum` prints (BLAKE3 paper, §2.1 and §5.3).

use blake3::hazmat::{HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root};

/// A BLAKE3 hash or chaining value.
pub type Hash = [u8; 32];

/// The proof of no files.
pub const NOTHING_PROVED: Hash = [0; 32];

/// The hash of a block's bytes at this offset of a file: the file's own hash where the block is all
/// of it (`alone`), otherwise the chaining value of its subtree.
pub fn block_hash(bytes: &[u8], offset: u64, alone: bool) -> Hash {
    if alone || bytes.is_empty() {
        return *blake3::hash(bytes).as_bytes();
    }
    let mut hasher = blake3::Hasher::new();
    hasher.set_input_offset(offset);
    hasher.update(bytes);
    hasher.finalize_non_root()
}

/// The hash of a file, of the hashes of all its blocks.
pub fn file_hash(blocks: &[Hash]) -> Hash {
    match blocks {
        [] => *blake3::hash(&[]).as_bytes(),
        [only] => *only,
        _ => {
            let (left, right) = blocks.split_at(left_subtree(blocks.len()));
            let (left, right) = (subtree(left), subtree(right));
            *merge_subtrees_root(&left, &right, Mode::Hash).as_bytes()
        }
    }
}

/// Extends `proof` by one more file.
pub fn extend_proof(proof: &Hash, file: &Hash) -> Hash {
    let mut hasher = blake3::Hasher::new();
    *hasher.update(proof).update(file).finalize().as_bytes()
}

fn subtree(blocks: &[Hash]) -> Hash {
    match blocks {
        [] => NOTHING_PROVED,
        [only] => *only,
        _ => {
            let (left, right) = blocks.split_at(left_subtree(blocks.len()));
            merge_subtrees_non_root(&subtree(left), &subtree(right), Mode::Hash)
        }
    }
}

/// The largest power of two that leaves something for the right side.
fn left_subtree(blocks: usize) -> usize {
    blocks.next_power_of_two() / 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broadcast::layout::BLOCK;

    #[test]
    fn block_hashes_merge_into_the_file_hash() {
        let size = usize::try_from(BLOCK).unwrap();
        let bytes: Vec<u8> = (0..size * 5 + 777)
            .map(|n| n.wrapping_mul(31).to_le_bytes()[1])
            .collect();
        for length in [
            0,
            1,
            size - 1,
            size,
            size + 1,
            2 * size,
            3 * size,
            bytes.len(),
        ] {
            let file = &bytes[..length];
            let alone = length <= size;
            let hashes: Vec<Hash> = file
                .chunks(size)
                .enumerate()
                .map(|(number, block)| block_hash(block, number as u64 * BLOCK, alone))
                .collect();
            assert_eq!(
                &file_hash(&hashes),
                blake3::hash(file).as_bytes(),
                "{length}"
            );
        }
    }
}
