//! Any text as a safe, single path component.

use std::fmt::Write as _;

/// Turns `text` into a file name: letters, digits and `-_.=,%+` stay, other characters become `_`.
/// It is never empty, never begins with a dot, and has at most 100 bytes. Texts that had to be
/// changed carry a mark made from the whole of them, so that two different texts don't meet in one
/// folder.
pub fn component(text: &str) -> String {
    let kept = |c: char| c.is_ascii_alphanumeric() || "-_.=,%+".contains(c);
    let plain = text.chars().all(kept) && !text.starts_with('.');
    if plain && (1..=LIMIT).contains(&text.len()) {
        return text.to_owned();
    }
    let mut name: String = text
        .chars()
        .map(|c| if kept(c) { c } else { '_' })
        .skip_while(|&c| c == '.')
        .take(LIMIT - 9)
        .collect();
    // FNV-1a, 32 bits: what matters is that it stays the same from version to version.
    let mark = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    // Writing to a String cannot fail.
    let _ = write!(name, "~{mark:08x}");
    name
}

/// The longest name, in bytes.
const LIMIT: usize = 100;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_safe_stays_as_it_is() {
        for text in ["two-servers", "model=multi-thread,loss=5%", "a"] {
            assert_eq!(component(text), text);
        }
    }

    #[test]
    fn different_texts_never_share_a_name() {
        let names = ["a/b", "a b", "a_b", "..", ".", "", "../../etc"].map(component);
        for (i, name) in names.iter().enumerate() {
            assert!(!names[..i].contains(name), "{name}");
        }
    }

    proptest! {
        #[test]
        fn every_text_becomes_one_safe_component(text in any::<String>()) {
            let name = component(&text);
            prop_assert!(!name.is_empty() && name.len() <= LIMIT);
            prop_assert!(!name.contains('/') && !name.starts_with('.'));
            prop_assert!(name.chars().all(|c| c.is_ascii_graphic()));
        }
    }
}
