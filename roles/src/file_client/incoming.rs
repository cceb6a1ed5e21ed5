//! A reply on its way from a server.

use blake3::Hasher;
use protocol::file_service::answer::{Reply, ReplyError, ReplyEvent, ReplyParser};
use protocol::file_service::base64::{Decoder, NotBase64};

use crate::buffer::Buffer;

/// A reply that is read piece by piece, its content decoded, hashed and given away.
#[derive(Debug)]
pub(crate) struct Incoming {
    parser: ReplyParser,
    decoder: Decoder,
    scratch: Vec<u8>,
    hasher: Box<Hasher>,
    bytes: u64,
}

impl Incoming {
    /// A reply that has, without its content, at most `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            parser: ReplyParser::new(limit),
            decoder: Decoder::default(),
            scratch: Vec::new(),
            hasher: Box::default(),
            bytes: 0,
        }
    }

    /// Reads what has come, up to the reply's end; `take` gets the bytes of the content. The reply, once
    /// it is whole; then the content is what came along.
    ///
    /// # Errors
    /// If it is no reply, or its content no base64; those of `take`. Nothing more can be read then.
    pub(crate) fn read<E: From<ReplyError> + From<NotBase64>>(
        &mut self,
        input: &mut Buffer,
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<Option<Reply>, E> {
        while !input.is_empty() {
            let (taken, event) = self.parser.parse(input.waiting())?;
            let mut whole = None;
            match event {
                None => {}
                Some(ReplyEvent::Whole(reply)) => whole = Some(reply),
                Some(ReplyEvent::Content(text)) => {
                    let room = Decoder::room(text.len());
                    if self.scratch.len() < room {
                        self.scratch.resize(room, 0);
                    }
                    let count = self.decoder.decode(text, &mut self.scratch)?;
                    let portion = &self.scratch[..count];
                    self.hasher.update(portion);
                    self.bytes += count as u64;
                    take(portion)?;
                }
            }
            input.consume(taken);
            if whole.is_some() {
                return Ok(whole);
            }
        }
        Ok(None)
    }

    /// Takes note of the connection's end. A reply that lacks only the empty line after it counts.
    ///
    /// # Errors
    /// If it ended within a reply, or without one.
    pub(crate) fn end(&mut self) -> Result<Reply, ReplyError> {
        std::mem::replace(&mut self.parser, ReplyParser::new(0)).finish()
    }

    /// Whether the content has come to its end.
    ///
    /// # Errors
    /// If characters are missing.
    pub(crate) fn is_whole(&self) -> Result<(), NotBase64> {
        self.decoder.finish()
    }

    /// Returns how many bytes of content have come.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// BLAKE3 of these, in lower-case hexadecimal.
    pub(crate) fn blake3(&self) -> String {
        self.hasher.finalize().to_string()
    }
}
