//! Lines out of what is on a console.

use super::line::{Line, MAX_TEXT, Side};

/// Finds one side's lines among all else, wherever the bytes are cut.
#[derive(Debug)]
pub struct Scanner {
    mark: [u8; 2],
    /// The line so far.
    text: Vec<u8>,
    /// The line was longer than any of ours, and its beginning was dropped.
    overlong: bool,
}

/// A line on the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// One of ours.
    Line(Line),
    /// One of ours once.
    Damaged,
    /// Something else; it is not empty.
    Other(Vec<u8>),
}

impl Scanner {
    /// Listens to `side`.
    pub fn new(side: Side) -> Self {
        Self {
            mark: *side.mark(),
            text: Vec::new(),
            overlong: false,
        }
    }

    /// Takes in bytes and appends to `heard` what they complete.
    pub fn feed(&mut self, bytes: &[u8], heard: &mut impl Extend<Input>) {
        // A terminal may make either of either.
        let mut pieces = bytes.split(|byte| matches!(byte, b'\n' | b'\r'));
        if let Some(first) = pieces.next() {
            self.extend(first);
        }
        for piece in pieces {
            heard.extend(self.finish());
            self.extend(piece);
        }
    }

    /// Returns the line that has no end yet: a prompt, for instance.
    pub fn unfinished(&self) -> &[u8] {
        &self.text
    }

    fn extend(&mut self, piece: &[u8]) {
        self.text.extend_from_slice(piece);
        if self.text.len() > LONGEST {
            self.overlong = true;
            self.text.drain(..self.text.len() - LONGEST);
        }
    }

    fn finish(&mut self) -> Option<Input> {
        let text = std::mem::take(&mut self.text);
        let overlong = std::mem::take(&mut self.overlong);
        let marked = text.windows(2).rposition(|pair| pair == self.mark);
        match marked.and_then(|at| text.get(at + 2..)) {
            Some(ours) => Some(Line::decode(ours).map_or(Input::Damaged, Input::Line)),
            // Where others wrote into a line's mark, the rest of it is left.
            None if overlong => Some(Input::Damaged),
            None if text.is_empty() => None,
            None => Some(Input::Other(text)),
        }
    }
}

/// A line of ours and what others may have put before it without an end.
const LONGEST: usize = 2 * MAX_TEXT;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::line::{Kind, MAX_BYTES};
    use super::*;

    fn scan(pieces: &[&[u8]]) -> Vec<Input> {
        let mut scanner = Scanner::new(Side::Node);
        let mut heard = Vec::new();
        for piece in pieces {
            scanner.feed(piece, &mut heard);
        }
        heard
    }

    fn beat() -> (Line, Vec<u8>) {
        let line = Line::bare(Kind::Beat, 5);
        let mut text = Vec::new();
        line.encode(Side::Node, &mut text);
        (line, text)
    }

    #[test]
    fn a_line_counts_from_its_last_mark() {
        let (line, text) = beat();
        let prompt = scan(&[b"~ # \x1b[6n#<AAAA", &text]);
        assert_eq!(prompt, [Input::Line(line)]);
    }

    #[test]
    fn what_others_say_is_told_apart() {
        let heard = scan(&[b"sh: not found\r\n#<AAAA\r\n#>AAAA\n~ # "]);
        let other = |text: &[u8]| Input::Other(text.to_vec());
        let expected = [other(b"sh: not found"), Input::Damaged, other(b"#>AAAA")];
        assert_eq!(heard, expected);
    }

    #[test]
    fn a_flood_without_end_is_forgotten() {
        let (line, text) = beat();
        let mut scanner = Scanner::new(Side::Node);
        let mut heard = Vec::new();
        for _ in 0..100 {
            scanner.feed(&[b'x'; 1000], &mut heard);
        }
        assert!(scanner.unfinished().len() <= LONGEST);
        scanner.feed(b"\n", &mut heard);
        scanner.feed(&text, &mut heard);
        assert_eq!(heard, [Input::Damaged, Input::Line(line)]);
    }

    proptest! {
        #[test]
        fn lines_are_found_wherever_they_are_cut(
            bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..MAX_BYTES), 1..4),
            noise in "[ -\"$-~]{0,20}",
            cut in 1usize..700,
        ) {
            let lines: Vec<Line> = bodies
                .into_iter()
                .map(|bytes| Line { bytes, ..Line::bare(Kind::Data, 9) })
                .collect();
            let mut text = Vec::new();
            for line in &lines {
                text.extend_from_slice(noise.as_bytes());
                line.encode(Side::Node, &mut text);
            }
            let pieces: Vec<&[u8]> = text.chunks(cut).collect();
            let expected: Vec<Input> = lines.into_iter().map(Input::Line).collect();
            prop_assert_eq!(scan(&pieces), expected);
        }
    }
}
