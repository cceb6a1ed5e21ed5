//! Contents as base64 (RFC 4648 §4) and back, piece by piece.

use std::sync::LazyLock;

use ::base64::DecodeSliceError;
use ::base64::engine::general_purpose::GeneralPurposeConfig;
use ::base64::engine::{Engine, Simd};

/// The length of `bytes` bytes as text.
pub const fn text_length(bytes: u64) -> u64 {
    bytes.div_ceil(3).saturating_mul(4)
}

/// Writes a portion of a content as text at the start of `out`, and returns the text's length. Every
/// portion but the last has a multiple of three bytes. `None` if `out` is shorter than
/// [`text_length`].
pub fn encode(portion: &[u8], out: &mut [u8]) -> Option<usize> {
    ENGINE.encode_slice(portion, out).ok()
}

/// Reads text back, wherever it is cut.
#[derive(Debug, Default)]
pub struct Decoder {
    /// The first characters of a group of four that has not come whole.
    group: [u8; 4],
    held: usize,
    /// Whether padding has come, after which nothing may follow.
    padded: bool,
    /// Characters read.
    position: u64,
}

/// Why a text is not base64.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotBase64 {
    /// A character that does not belong there.
    #[error("not base64: byte 0x{byte:02x} at {position}")]
    Character {
        /// The character.
        byte: u8,
        /// The number of characters before it.
        position: u64,
    },
    /// The text breaks off, or goes on after its padding.
    #[error("not base64: wrong padding at {position}")]
    Padding {
        /// The number of characters before it.
        position: u64,
    },
    /// The buffer is shorter than [`Decoder::room`], a defect of the caller.
    #[error("no room for {0} characters of base64")]
    NoRoom(usize),
}

impl Decoder {
    /// Returns the room, in bytes, that `length` characters may need.
    pub const fn room(length: usize) -> usize {
        length / 4 * 3 + 6
    }

    /// Writes what the next characters stand for at the start of `out` and returns its length.
    ///
    /// # Errors
    /// If they are not base64; the decoder is of no use then.
    pub fn decode(&mut self, text: &[u8], out: &mut [u8]) -> Result<usize, NotBase64> {
        if out.len() < Self::room(text.len()) {
            return Err(NotBase64::NoRoom(text.len()));
        }
        let mut text = text;
        let mut written = 0;
        if self.held > 0 {
            let (missing, rest) = text.split_at(text.len().min(self.group.len() - self.held));
            self.hold(missing);
            text = rest;
            if self.held < self.group.len() {
                return Ok(0);
            }
            self.held = 0;
            let group = self.group;
            written = self.groups(&group, out)?;
        }
        let (whole, rest) = text.split_at(text.len() - text.len() % 4);
        written += self.groups(whole, &mut out[written..])?;
        if self.padded && !rest.is_empty() {
            return Err(self.wrong_padding());
        }
        self.hold(rest);
        Ok(written)
    }

    /// Takes note of the text's end.
    ///
    /// # Errors
    /// If it breaks off within a group of four.
    pub fn finish(&self) -> Result<(), NotBase64> {
        if self.held == 0 {
            return Ok(());
        }
        Err(NotBase64::Padding {
            position: self.position + self.held as u64,
        })
    }

    fn hold(&mut self, text: &[u8]) {
        self.group[self.held..self.held + text.len()].copy_from_slice(text);
        self.held += text.len();
    }

    fn groups(&mut self, text: &[u8], out: &mut [u8]) -> Result<usize, NotBase64> {
        let Some(last) = text.last() else {
            return Ok(0);
        };
        if self.padded {
            return Err(self.wrong_padding());
        }
        let written = ENGINE
            .decode_slice(text, out)
            .map_err(|error| self.wrong(&error, text))?;
        self.padded = *last == b'=';
        self.position += text.len() as u64;
        Ok(written)
    }

    fn wrong_padding(&self) -> NotBase64 {
        NotBase64::Padding {
            position: self.position,
        }
    }

    fn wrong(&self, error: &DecodeSliceError, text: &[u8]) -> NotBase64 {
        use ::base64::DecodeError;
        let place = match error {
            DecodeSliceError::DecodeError(
                DecodeError::InvalidByte(offset, _) | DecodeError::InvalidLastSymbol { offset, .. },
            ) => *offset,
            DecodeSliceError::DecodeError(_) => return self.wrong_padding(),
            DecodeSliceError::OutputSliceTooSmall => return NotBase64::NoRoom(text.len()),
        };
        NotBase64::Character {
            byte: text.get(place).copied().unwrap_or_default(),
            position: self.position + place as u64,
        }
    }
}

/// Chosen once for what the processor can do.
static ENGINE: LazyLock<Simd> = LazyLock::new(|| Simd::standard(GeneralPurposeConfig::new()));

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(pieces: &[&[u8]]) -> Result<Vec<u8>, NotBase64> {
        let mut decoder = Decoder::default();
        let mut all = Vec::new();
        for piece in pieces {
            let mut out = vec![0; Decoder::room(piece.len())];
            let count = decoder.decode(piece, &mut out)?;
            all.extend_from_slice(&out[..count]);
        }
        decoder.finish()?;
        Ok(all)
    }

    #[test]
    fn the_vectors_of_rfc_4648_hold() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            let mut out = [0; 16];
            let count = encode(bytes.as_bytes(), &mut out).unwrap();
            assert_eq!(&out[..count], text.as_bytes());
            assert_eq!(text_length(bytes.len() as u64), text.len() as u64);
            assert_eq!(decode(&[text.as_bytes()]).unwrap(), bytes.as_bytes());
        }
    }

    #[test]
    fn what_is_no_base64_is_refused_with_its_place() {
        let character = |byte, position| NotBase64::Character { byte, position };
        assert_eq!(decode(&[b"Zm9vZ*9v"]), Err(character(b'*', 5)));
        assert_eq!(decode(&[b"Zm9vZ", b"*9v"]), Err(character(b'*', 5)));
        for wrong in [
            &b"Zg"[..],
            b"Zm9vZ",
            b"Zg==Zg==",
            b"Zg==Z",
            b"=",
            b"Z===",
            b"====",
        ] {
            assert!(decode(&[wrong]).is_err(), "{wrong:?}");
        }
        assert!(decode(&[b"Zg==", b"Zg=="]).is_err());
    }

    proptest! {
        #[test]
        fn contents_survive_however_the_text_is_cut(
            bytes in prop::collection::vec(any::<u8>(), 0..400),
            cuts in prop::collection::vec(0_usize..600, 0..8),
        ) {
            let mut text = vec![0; 600];
            let mut length = 0;
            for portion in bytes.chunks(93) {
                length += encode(portion, &mut text[length..]).unwrap();
            }
            text.truncate(length);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(length)).collect();
            cuts.extend([0, length]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
            prop_assert_eq!(decode(&pieces), Ok(bytes));
        }

        #[test]
        fn any_text_is_read_alike_however_it_is_cut(
            text in "[A-Ca-c0-3+/=*]{0,24}",
            cut in 0_usize..24,
        ) {
            let cut = cut.min(text.len());
            let (left, right) = text.as_bytes().split_at(cut);
            let whole = decode(&[text.as_bytes()]);
            let cut = decode(&[left, right]);
            prop_assert_eq!(whole.is_ok(), cut.is_ok());
            if let (Ok(whole), Ok(cut)) = (whole, cut) {
                prop_assert_eq!(whole, cut);
            }
        }
    }
}
