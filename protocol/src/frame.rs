//! Bytes on the control channel to frames and back.
//!
//! A frame is a big-endian `u32` (the length of all that follows), one byte for its kind, and its
//! body. Kind 0 is a message: JSON of [`crate::control`] or [`crate::keeper`]. Kind 1 is data: a big-endian `u32` channel,
//! one byte for the [`Stream`], and raw bytes. A data frame without bytes ends its stream.

use crate::control::Stream;

/// The longest frame that either end accepts, in bytes, header excluded.
pub const MAX_FRAME: usize = 1 << 20;

/// The most data bytes put into one frame by a well-behaved sender.
pub const DATA_CHUNK: usize = 64 << 10;

/// Bytes of a data frame before those that it carries.
pub const DATA_PREFIX: usize = 4 + DATA_HEADER;

/// One unit on the control channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A JSON message.
    Message(Vec<u8>),
    /// Bytes of a stream; none at all ends it.
    Data {
        /// Which channel they belong to; the orchestrator chose the number.
        channel: u32,
        /// Which stream of it.
        stream: Stream,
        /// The bytes.
        bytes: Vec<u8>,
    },
}

/// Why bytes are not a frame. The channel is unusable afterwards.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The length field is over [`MAX_FRAME`] or too small for the kind.
    #[error("a control frame of {0} bytes: is the other end a node of this version?")]
    Length(usize),
    /// No such kind of frame.
    #[error("a control frame of unknown kind {0}")]
    Kind(u8),
    /// No such stream.
    #[error("a control frame for unknown stream {0}")]
    Stream(u8),
}

impl Frame {
    /// Appends the frame's bytes to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Message(body) => {
                put_header(out, 1 + body.len(), MESSAGE);
                out.extend_from_slice(body);
            }
            Self::Data {
                channel,
                stream,
                bytes,
            } => {
                out.extend_from_slice(&data_header(*channel, *stream, bytes.len()));
                out.extend_from_slice(bytes);
            }
        }
    }

    /// Takes the first whole frame from `input`, with the number of bytes it used, or `None` where
    /// more bytes are needed.
    ///
    /// # Errors
    /// [`FrameError`] if the bytes can never become a frame.
    pub fn decode(input: &[u8]) -> Result<Option<(Self, usize)>, FrameError> {
        let Some(length) = Self::length(input)? else {
            return Ok(None);
        };
        let body = input.get(HEADER..length).unwrap_or_default();
        Ok(Some((Self::from_body(body)?, length)))
    }

    /// Returns the number of bytes of the first whole frame in `input`, or `None` where more bytes are needed.
    ///
    /// # Errors
    /// [`FrameError`] if the bytes can never become a frame.
    pub fn length(input: &[u8]) -> Result<Option<usize>, FrameError> {
        let Some((head, rest)) = input.split_first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes(*head) as usize;
        if length == 0 || length > MAX_FRAME {
            return Err(FrameError::Length(length));
        }
        Ok((rest.len() >= length).then_some(HEADER + length))
    }

    fn from_body(body: &[u8]) -> Result<Self, FrameError> {
        match body {
            [MESSAGE, json @ ..] => Ok(Self::Message(json.to_vec())),
            [DATA, a, b, c, d, stream, bytes @ ..] => Ok(Self::Data {
                channel: u32::from_be_bytes([*a, *b, *c, *d]),
                stream: Stream::from_byte(*stream).ok_or(FrameError::Stream(*stream))?,
                bytes: bytes.to_vec(),
            }),
            [DATA, ..] => Err(FrameError::Length(body.len())),
            [kind, ..] => Err(FrameError::Kind(*kind)),
            [] => Err(FrameError::Length(0)),
        }
    }
}

/// Returns the bytes that precede those of a data frame, for a sender that has read them into place.
pub fn data_header(channel: u32, stream: Stream, length: usize) -> [u8; DATA_PREFIX] {
    let length = u32::try_from(DATA_HEADER + length).unwrap_or(u32::MAX);
    let [l0, l1, l2, l3] = length.to_be_bytes();
    let [c0, c1, c2, c3] = channel.to_be_bytes();
    [l0, l1, l2, l3, DATA, c0, c1, c2, c3, stream as u8]
}

fn put_header(out: &mut Vec<u8>, length: usize, kind: u8) {
    // A longer frame cannot be sent; the receiver refuses it by its length.
    out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    out.push(kind);
}

const HEADER: usize = 4;
const MESSAGE: u8 = 0;
const DATA: u8 = 1;
const DATA_HEADER: usize = 6;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frames() -> impl Strategy<Value = Frame> {
        prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..300).prop_map(Frame::Message),
            (
                any::<u32>(),
                0u8..3,
                proptest::collection::vec(any::<u8>(), 0..300)
            )
                .prop_map(|(channel, stream, bytes)| Frame::Data {
                    channel,
                    stream: Stream::from_byte(stream).unwrap(),
                    bytes,
                }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(frames in proptest::collection::vec(frames(), 1..5)) {
            let mut bytes = Vec::new();
            for frame in &frames {
                frame.encode(&mut bytes);
            }
            let mut rest = &bytes[..];
            for frame in &frames {
                let (decoded, used) = Frame::decode(rest).unwrap().unwrap();
                prop_assert_eq!(&decoded, frame);
                prop_assert!(Frame::decode(&rest[..used - 1]).unwrap().is_none());
                rest = &rest[used..];
            }
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = Frame::decode(&bytes);
        }
    }
}
