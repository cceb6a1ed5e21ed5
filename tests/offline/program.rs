//! The program that is installed.

/// Program headers of type `PT_INTERP` (elf(5)) name the dynamic loader; a static program has none, so it runs where
/// there is no C library, or an older one.
#[test]
fn it_needs_no_loader() {
    let elf = std::fs::read(env!("CARGO_BIN_EXE_orchestrator-under-test")).unwrap();
    assert_eq!(&elf[..5], b"\x7fELF\x02", "a 64-bit ELF file");
    let u16_at = |at: usize| u16::from_le_bytes([elf[at], elf[at + 1]]);
    let table = usize::try_from(u64::from_le_bytes(elf[32..40].try_into().unwrap())).unwrap();
    for index in 0..usize::from(u16_at(56)) {
        let at = table + index * usize::from(u16_at(54));
        let kind = u32::from_le_bytes(elf[at..at + 4].try_into().unwrap());
        assert_ne!(kind, 3, "PT_INTERP: the program was linked dynamically");
    }
}
