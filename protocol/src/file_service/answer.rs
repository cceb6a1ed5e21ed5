//! Replies, as a client reads them from a stream that may be cut anywhere. Any JSON object will do,
//! whatever its layout and the order of its members, for a server may not be ours.

use memchr::memchr2;
use serde::Deserialize;

/// A reply, the content aside.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Reply {
    /// `OK`, or `ERROR`.
    pub status: String,
    /// The content asked for, or the reason for refusing it.
    #[serde(default)]
    pub data: Option<serde_json::Value>,
    /// The action that was done.
    #[serde(default)]
    pub message: Option<String>,
    /// The name of the file whose content came along.
    #[serde(default, rename = "data_namafile")]
    pub name: Option<String>,
    /// Empty, if a content came along.
    #[serde(default)]
    data_file: Option<String>,
}

impl Reply {
    /// Whether what was asked for was done.
    pub fn is_ok(&self) -> bool {
        self.status.eq_ignore_ascii_case("OK")
    }

    /// Whether a content came along.
    pub fn has_content(&self) -> bool {
        self.data_file.is_some()
    }

    /// Returns the other words of the server's reply.
    pub fn words(&self) -> String {
        match (&self.data, &self.message) {
            (Some(serde_json::Value::String(text)), _) | (_, Some(text)) => text.clone(),
            (Some(value), _) => value.to_string(),
            (None, None) => self.status.clone(),
        }
    }
}

/// The meaning of the next bytes of a stream.
#[derive(Debug, Clone, PartialEq)]
pub enum ReplyEvent<'a> {
    /// The next characters of a content, in base64.
    Content(&'a [u8]),
    /// The reply has come whole.
    Whole(Reply),
}

/// Why a stream is no reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// It does not begin as one, or goes on after its end.
    #[error("byte 0x{byte:02x} where {expected} should be")]
    Unexpected {
        /// The byte.
        byte: u8,
        /// The expected text.
        expected: &'static str,
    },
    /// It is no JSON, or lacks something.
    #[error("the reply is not right: {0}")]
    Json(String),
    /// It is too long, its content not counted.
    #[error("the reply is longer than {0} bytes")]
    TooLong(usize),
    /// The stream ended within it.
    #[error("the connection ended within the reply")]
    Cut,
    /// The stream ended before it.
    #[error("the connection ended without a reply")]
    None,
}

/// Reads replies piece by piece. Holds a reply without its content.
#[derive(Debug)]
pub struct ReplyParser {
    limit: usize,
    state: State,
    /// The reply without its content.
    held: Vec<u8>,
    depth: usize,
    /// Where in `held` the outermost object's last string lies, quotes included.
    string: (usize, usize),
    /// Whether the value of `data_file` is next.
    content_next: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum State {
    Before,
    /// In the object, outside strings.
    Object,
    /// In a string.
    Text {
        escaped: bool,
    },
    /// In the content.
    Content {
        escaped: bool,
    },
    /// After the object; so many line feeds have come.
    After {
        reply: Reply,
        lines: u8,
    },
}

impl ReplyParser {
    /// A parser of replies that have, without contents, at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            state: State::Before,
            held: Vec::new(),
            depth: 0,
            string: (0, 0),
            content_next: false,
        }
    }

    /// Takes the next bytes: how many of them, and what they mean. Without a meaning, all were taken.
    ///
    /// # Errors
    /// If they are no reply; the parser is of no use then.
    pub fn parse<'a>(
        &mut self,
        input: &'a [u8],
    ) -> Result<(usize, Option<ReplyEvent<'a>>), ReplyError> {
        let mut taken = 0;
        while let Some(&byte) = input.get(taken) {
            if let State::Content { escaped: false } = self.state {
                let rest = &input[taken..];
                let length = memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
                if length > 0 {
                    return Ok((taken + length, Some(ReplyEvent::Content(&rest[..length]))));
                }
            }
            taken += 1;
            if let State::Content { escaped: true } = self.state {
                // A solidus may be escaped (RFC 8259 §7), and nothing else in base64 can.
                if byte != b'/' {
                    return Err(unexpected(byte, "base64"));
                }
                self.state = State::Content { escaped: false };
                return Ok((taken, Some(ReplyEvent::Content(&input[taken - 1..taken]))));
            }
            if let Some(reply) = self.take(byte)? {
                return Ok((taken, Some(ReplyEvent::Whole(reply))));
            }
        }
        Ok((taken, None))
    }

    /// Takes note of the stream's end. A reply that lacks only the empty line after it counts.
    ///
    /// # Errors
    /// If the stream ends within a reply, or without one.
    pub fn finish(self) -> Result<Reply, ReplyError> {
        match self.state {
            State::After { reply, .. } => Ok(reply),
            State::Before => Err(ReplyError::None),
            _ => Err(ReplyError::Cut),
        }
    }

    fn take(&mut self, byte: u8) -> Result<Option<Reply>, ReplyError> {
        match &mut self.state {
            State::Before => match byte {
                b'{' => {
                    self.state = State::Object;
                    self.object(byte)?;
                }
                b' ' | b'\t' | b'\r' | b'\n' => {}
                _ => return Err(unexpected(byte, "a JSON object")),
            },
            State::Object => self.object(byte)?,
            State::Text { escaped } => {
                let ended = byte == b'"' && !*escaped;
                *escaped = byte == b'\\' && !*escaped;
                self.hold(byte)?;
                if ended {
                    self.string.1 = self.held.len();
                    self.state = State::Object;
                }
            }
            State::Content { escaped } => {
                if byte == b'\\' {
                    *escaped = true;
                } else {
                    self.hold(b'"')?;
                    self.state = State::Object;
                }
            }
            State::After { reply, lines } => match byte {
                b'\n' if *lines == 1 => {
                    let reply = reply.clone();
                    self.state = State::Before;
                    return Ok(Some(reply));
                }
                b'\n' => *lines += 1,
                b'\r' => {}
                _ => return Err(unexpected(byte, "the empty line after a reply")),
            },
        }
        Ok(None)
    }

    fn object(&mut self, byte: u8) -> Result<(), ReplyError> {
        self.hold(byte)?;
        let content_next = std::mem::take(&mut self.content_next);
        match byte {
            b'"' if content_next => self.state = State::Content { escaped: false },
            b'"' => {
                self.string.0 = self.held.len() - 1;
                self.state = State::Text { escaped: false };
            }
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    self.end()?;
                }
            }
            b':' => {
                let key = self.held.get(self.string.0..self.string.1);
                self.content_next = self.depth == 1 && key == Some(CONTENT);
            }
            b' ' | b'\t' | b'\r' | b'\n' => self.content_next = content_next,
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), ReplyError> {
        let held = std::mem::take(&mut self.held);
        let reply = serde_json::from_slice(&held);
        let reply = reply.map_err(|error| ReplyError::Json(error.to_string()))?;
        self.string = (0, 0);
        self.state = State::After { reply, lines: 0 };
        Ok(())
    }

    fn hold(&mut self, byte: u8) -> Result<(), ReplyError> {
        if self.held.len() >= self.limit {
            return Err(ReplyError::TooLong(self.limit));
        }
        self.held.push(byte);
        Ok(())
    }
}

fn unexpected(byte: u8, expected: &'static str) -> ReplyError {
    ReplyError::Unexpected { byte, expected }
}

/// The name of the member that holds a content.
const CONTENT: &[u8] = br#""data_file""#;
