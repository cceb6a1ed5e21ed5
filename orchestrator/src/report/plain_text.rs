//! Text that is safe to show on a terminal or in a text file.

use std::borrow::Cow;
use std::fmt::Write as _;

/// `text` with its control characters written out (`\u{1b}`), so that a name from inside a lab can
/// neither move the cursor nor end a line. Direction marks (Unicode UAX #9) are written out too.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if hidden(character) {
            // Writing to a String cannot fail.
            let _ = write!(shown, "{}", character.escape_default());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

fn hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_but_letters() {
        assert_eq!(visible("naïve – ok"), "naïve – ok");
        assert_eq!(visible("a\x1b[2Jb\n"), r"a\u{1b}[2Jb\n");
        assert_eq!(visible("gpj.\u{202e}exe"), r"gpj.\u{202e}exe");
    }
}
