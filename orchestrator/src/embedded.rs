//! The static node binary that this binary carries inside itself.

/// The node binary: an ELF file without an interpreter, for this machine's architecture.
pub fn node_binary() -> &'static [u8] {
    include_bytes!(concat!(env!("OUT_DIR"), "/node"))
}

#[cfg(test)]
mod tests {
    use super::node_binary;

    /// Program headers of type `PT_INTERP` (elf(5)) name the dynamic loader; a static binary has none.
    #[test]
    fn the_node_binary_needs_no_loader() {
        let elf = node_binary();
        assert_eq!(&elf[..5], b"\x7fELF\x02", "a 64-bit ELF file");
        let u16_at = |at: usize| u16::from_le_bytes([elf[at], elf[at + 1]]);
        let table = usize::try_from(u64::from_le_bytes(elf[32..40].try_into().unwrap())).unwrap();
        for index in 0..usize::from(u16_at(56)) {
            let at = table + index * usize::from(u16_at(54));
            let kind = u32::from_le_bytes(elf[at..at + 4].try_into().unwrap());
            assert_ne!(kind, 3, "PT_INTERP: the node was linked dynamically");
        }
    }
}
