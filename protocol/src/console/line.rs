//! One line on the console.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// The most bytes in one line. Terminals hold 4 KiB; longer lines would gain nothing.
pub const MAX_BYTES: usize = 3 << 10;

/// The longest line, as text, its mark and end left out.
pub const MAX_TEXT: usize = (MAX_BYTES + HEADER + CHECKSUM).div_ceil(3) * 4;

/// The side that sends a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The side that wants streams to the agent.
    Client,
    /// The program on the console.
    Node,
}

/// The purpose of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// The program has the terminal and awaits a hello. It belongs to no session.
    Ready = 0,
    /// A session begins. Its bytes are [`crate::VERSION`] as a big-endian `u32`.
    Hello = 1,
    /// It has begun; with the node's version.
    Welcome = 2,
    /// Bytes of the stream.
    Data = 3,
    /// Nothing to say.
    Beat = 4,
    /// The line of number `expected` is missing or damaged.
    Again = 5,
    /// The session is over.
    Bye = 6,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its purpose.
    pub kind: Kind,
    /// Which session it belongs to.
    pub session: u64,
    /// Its number, where it is data; of any other, the number that comes next.
    pub sequence: u32,
    /// The number that its sender awaits.
    pub expected: u32,
    /// Its payload.
    pub bytes: Vec<u8>,
}

impl Side {
    /// Returns the mark that this side's lines begin with.
    pub const fn mark(self) -> &'static [u8; 2] {
        match self {
            Self::Client => b"#>",
            Self::Node => b"#<",
        }
    }

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Node,
            Self::Node => Self::Client,
        }
    }
}

impl Kind {
    fn from_byte(byte: u8) -> Option<Self> {
        let all = [
            Self::Ready,
            Self::Hello,
            Self::Welcome,
            Self::Data,
            Self::Beat,
            Self::Again,
            Self::Bye,
        ];
        all.into_iter().find(|kind| *kind as u8 == byte)
    }
}

impl Line {
    /// A line of this kind that carries nothing, outside all numbering.
    pub fn bare(kind: Kind, session: u64) -> Self {
        Self {
            kind,
            session,
            sequence: 0,
            expected: 0,
            bytes: Vec::new(),
        }
    }

    /// A hello or welcome: with this program's version.
    pub fn greeting(kind: Kind, session: u64) -> Self {
        Self {
            bytes: crate::VERSION.to_be_bytes().to_vec(),
            ..Self::bare(kind, session)
        }
    }

    /// The version in a hello or welcome.
    pub fn version(&self) -> Option<u32> {
        let bytes: [u8; 4] = self.bytes.as_slice().try_into().ok()?;
        Some(u32::from_be_bytes(bytes))
    }

    /// Appends the line to `out`.
    pub fn encode(&self, side: Side, out: &mut Vec<u8>) {
        let mut body = Vec::with_capacity(HEADER + self.bytes.len() + CHECKSUM);
        body.push(self.kind as u8);
        body.extend_from_slice(&self.session.to_be_bytes());
        body.extend_from_slice(&self.sequence.to_be_bytes());
        body.extend_from_slice(&self.expected.to_be_bytes());
        body.extend_from_slice(&self.bytes);
        body.extend_from_slice(&crc32c::crc32c(&body).to_be_bytes());
        out.extend_from_slice(side.mark());
        out.extend_from_slice(STANDARD_NO_PAD.encode(body).as_bytes());
        out.push(b'\n');
    }

    /// Reads what follows a mark; `None` if it is damaged.
    pub fn decode(text: &[u8]) -> Option<Self> {
        let body = STANDARD_NO_PAD.decode(text).ok()?;
        let (body, checksum) = body.split_last_chunk::<CHECKSUM>()?;
        if crc32c::crc32c(body) != u32::from_be_bytes(*checksum) {
            return None;
        }
        let (kind, rest) = body.split_first()?;
        let (session, rest) = rest.split_first_chunk::<8>()?;
        let (sequence, rest) = rest.split_first_chunk::<4>()?;
        let (expected, bytes) = rest.split_first_chunk::<4>()?;
        Some(Self {
            kind: Kind::from_byte(*kind)?,
            session: u64::from_be_bytes(*session),
            sequence: u32::from_be_bytes(*sequence),
            expected: u32::from_be_bytes(*expected),
            bytes: bytes.to_vec(),
        })
    }
}

const HEADER: usize = 1 + 8 + 4 + 4;
const CHECKSUM: usize = 4;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines() -> impl Strategy<Value = Line> {
        let bytes = proptest::collection::vec(any::<u8>(), 0..=MAX_BYTES);
        let numbers = (0u8..7, any::<u64>(), any::<u32>(), any::<u32>());
        (numbers, bytes).prop_map(|((kind, session, sequence, expected), bytes)| Line {
            kind: Kind::from_byte(kind).unwrap(),
            session,
            sequence,
            expected,
            bytes,
        })
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(line in lines(), client: bool) {
            let side = if client { Side::Client } else { Side::Node };
            let mut text = Vec::new();
            line.encode(side, &mut text);
            prop_assert!(text.starts_with(side.mark()) && text.ends_with(b"\n"));
            let text = &text[2..text.len() - 1];
            prop_assert!(text.len() <= MAX_TEXT);
            prop_assert!(text.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#'));
            prop_assert_eq!(Line::decode(text), Some(line));
        }

        #[test]
        fn a_changed_character_is_damage(line in lines(), at: prop::sample::Index, to in 0x20u8..0x7f) {
            let mut text = Vec::new();
            line.encode(Side::Node, &mut text);
            let mut text = text[2..text.len() - 1].to_vec();
            let at = at.index(text.len());
            prop_assume!(text[at] != to);
            text[at] = to;
            prop_assert_eq!(Line::decode(&text), None);
        }

        #[test]
        fn no_text_makes_it_panic(text in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = Line::decode(&text);
        }
    }

    #[test]
    fn greetings_name_the_version() {
        let line = Line::greeting(Kind::Hello, 7);
        assert_eq!(line.version(), Some(crate::VERSION));
        assert_eq!(Line::bare(Kind::Hello, 7).version(), None);
    }
}
