//! A line's words, as Python's `shlex.split` separates and quotes them: like a POSIX shell, but between
//! double quotes a backslash quotes only itself and the quote.

use std::borrow::Cow;
use std::mem;

/// Splits a line into words, byte by byte.
#[derive(Debug, Default)]
pub struct Words {
    done: Vec<Vec<u8>>,
    word: Vec<u8>,
    state: State,
}

/// Where in a line the next byte is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// Between words.
    #[default]
    Between,
    /// In a word, outside quotes.
    Word,
    /// Between single quotes, where nothing is special.
    Single,
    /// Between double quotes.
    Double,
    /// After a backslash.
    Escape,
    /// After a backslash between double quotes.
    DoubleEscape,
}

impl Words {
    /// Takes the next byte of the line, whose end is not among them. Says whether it ended a word.
    pub fn push(&mut self, byte: u8) -> bool {
        let space = matches!(byte, b' ' | b'\t' | b'\r');
        match (self.state, byte) {
            (State::Between, _) if space => {}
            (State::Word, _) if space => {
                self.end_word();
                return true;
            }
            (State::Between | State::Word, b'\'') => self.state = State::Single,
            (State::Between | State::Word, b'"') => self.state = State::Double,
            (State::Between | State::Word, b'\\') => self.state = State::Escape,
            (State::Single, b'\'') | (State::Double, b'"') => self.state = State::Word,
            (State::Double, b'\\') => self.state = State::DoubleEscape,
            (State::Single | State::Double, _) => self.word.push(byte),
            (State::DoubleEscape, _) => {
                // Elsewhere between double quotes a backslash stands for itself.
                if !matches!(byte, b'"' | b'\\') {
                    self.word.push(b'\\');
                }
                self.word.push(byte);
                self.state = State::Double;
            }
            (State::Between | State::Word | State::Escape, _) => {
                self.word.push(byte);
                self.state = State::Word;
            }
        }
        false
    }

    /// The words that have ended.
    pub fn ended(&self) -> &[Vec<u8>] {
        &self.done
    }

    /// Whether nothing but space has come.
    pub fn is_empty(&self) -> bool {
        self.done.is_empty() && self.state == State::Between
    }

    /// The words of the line, which ends here. `None` if a quotation is open.
    pub fn finish(&mut self) -> Option<Vec<Vec<u8>>> {
        let state = mem::take(&mut self.state);
        if state == State::Word {
            self.end_word();
        }
        self.word.clear();
        let done = mem::take(&mut self.done);
        matches!(state, State::Between | State::Word).then_some(done)
    }

    /// The words that there would be if the line ended here. `None` if a quotation is open.
    pub fn peek(&self) -> Option<Vec<&[u8]>> {
        let mut words: Vec<&[u8]> = self.done.iter().map(Vec::as_slice).collect();
        match self.state {
            State::Between => {}
            State::Word => words.push(&self.word),
            _ => return None,
        }
        Some(words)
    }

    fn end_word(&mut self) {
        self.done.push(mem::take(&mut self.word));
        self.state = State::Between;
    }
}

/// A word as it stands in a line: in quotes only if it must, for some servers know none.
pub fn quoted(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_alphanumeric() || "._-+@%=:,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(format!("'{}'", word.replace('\'', "'\"'\"'")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(line: &str) -> Option<Vec<String>> {
        let mut words = Words::default();
        for byte in line.bytes() {
            words.push(byte);
        }
        let peeked = words.peek().map(|words| words.concat());
        let finished = words.finish();
        assert_eq!(peeked, finished.as_ref().map(|words| words.concat()));
        let text = |word| String::from_utf8(word).unwrap();
        finished.map(|words| words.into_iter().map(text).collect())
    }

    /// The expected words are those that `shlex.split` of Python 3.11 makes of the same lines.
    #[test]
    fn words_are_those_of_a_shell() {
        for (line, words) in [
            ("", &[][..]),
            (" get \t a.txt \r", &["get", "a.txt"]),
            ("get 'two words.jpg'", &["get", "two words.jpg"]),
            (r#"get "two words.jpg" x"#, &["get", "two words.jpg", "x"]),
            (r"get two\ words.jpg", &["get", "two words.jpg"]),
            (r#"get "a\"b\c""#, &["get", r#"a"b\c"#]),
            (r#"get "a\$b""#, &["get", r"a\$b"]),
            (r"get 'a\b'", &["get", r"a\b"]),
            (r#"a"b"'c'd"#, &["abcd"]),
            (r#"upload x """#, &["upload", "x", ""]),
            ("get \u{fc}.txt", &["get", "\u{fc}.txt"]),
        ] {
            let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
            assert_eq!(split(line), Some(words), "{line}");
        }
        assert_eq!(quoted("a.txt"), "a.txt");
        assert_eq!(quoted("two words"), "'two words'");
        for open in ["get 'a", "get \"a", "get a\\", "get \"a\\"] {
            assert_eq!(split(open), None, "{open}");
        }
    }

    #[test]
    fn a_finished_line_leaves_nothing_for_the_next() {
        let mut words = Words::default();
        "a 'b".bytes().for_each(|byte| _ = words.push(byte));
        assert_eq!(words.finish(), None);
        assert!(words.is_empty());
        "c".bytes().for_each(|byte| _ = words.push(byte));
        assert_eq!(words.finish(), Some(vec![b"c".to_vec()]));
    }

    proptest! {
        #[test]
        fn what_is_quoted_reads_back(words in prop::collection::vec("[^\n]{0,12}", 0..5)) {
            let line: Vec<_> = words.iter().map(|word| quoted(word)).collect();
            prop_assert_eq!(split(&line.join(" ")), Some(words));
        }
    }
}
