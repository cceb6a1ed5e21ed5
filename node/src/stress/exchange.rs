//! A request and its reply: bytes out, bytes in, the content made and hashed on the way. No socket, no
//! clock.

use std::io;

use blake3::Hasher;
use protocol::content::Content;
use protocol::file_service::answer::{Reply, ReplyError, ReplyEvent, ReplyParser};
use protocol::file_service::base64::{self, Decoder, NotBase64};
use protocol::file_service::words::quoted;
use protocol::load::Operation;

use super::job::{Job, Outcome};
use crate::buffer::Buffer;

/// An exchange under way.
#[derive(Debug)]
pub(super) struct Exchange {
    sending: Sending,
    output: Buffer,
    input: Buffer,
    /// What is between contents and base64.
    scratch: Vec<u8>,
    parser: Option<ReplyParser>,
    decoder: Decoder,
    hasher: Box<Hasher>,
    bytes: u64,
    expected: Expected,
    chunk: usize,
    outcome: Option<Outcome>,
}

/// What is left to be sent.
#[derive(Debug)]
enum Sending {
    Content {
        content: Content,
        offset: u64,
        length: u64,
    },
    Nothing,
}

/// What must come.
#[derive(Debug)]
enum Expected {
    Acknowledgement,
    Content { length: u64, blake3: Option<String> },
}

/// Why an exchange came to nothing. Short, for reasons are counted.
#[derive(Debug, thiserror::Error)]
enum ExchangeError {
    #[error("the reply is wrong: {0}")]
    Reply(#[from] ReplyError),
    #[error("the content is {0}")]
    Content(#[from] NotBase64),
    #[error("the server said: {0}")]
    Refused(String),
    #[error("the reply has no content")]
    NoContent,
    #[error("{came} bytes came of {length}")]
    Length { came: u64, length: u64 },
    #[error("the content is not what was asked for")]
    Different,
}

impl Exchange {
    /// What the job asks for.
    pub(super) fn new(job: &Job) -> Self {
        let load = &job.load;
        let name = quoted(job.name.as_str());
        let (request, sending, expected) = match load.operation {
            Operation::Upload => {
                let sending = Sending::Content {
                    content: job.content(),
                    offset: 0,
                    length: load.size,
                };
                (
                    format!("UPLOAD {name} "),
                    sending,
                    Expected::Acknowledgement,
                )
            }
            Operation::Download => {
                let expected = Expected::Content {
                    length: load.size,
                    blake3: job.expected.clone(),
                };
                (format!("DOWNLOAD {name}\r\n"), Sending::Nothing, expected)
            }
        };
        let mut output = Buffer::new(0);
        output.push(request.as_bytes());
        let input = match load.operation {
            Operation::Upload => MOST_HELD,
            Operation::Download => load.buffer,
        };
        Self {
            sending,
            output,
            input: Buffer::new(input),
            scratch: Vec::new(),
            parser: Some(ReplyParser::new(MOST_HELD)),
            decoder: Decoder::default(),
            hasher: Box::default(),
            bytes: 0,
            expected,
            chunk: load.buffer,
            outcome: None,
        }
    }

    /// What is to be written next; nothing once all is.
    pub(super) fn output(&mut self) -> &[u8] {
        self.make_more();
        self.output.waiting()
    }

    /// So much of it was written.
    pub(super) fn written(&mut self, count: usize) {
        self.output.consume(count);
    }

    /// Where what is read goes.
    pub(super) fn room(&mut self) -> &mut [u8] {
        self.input.room(1)
    }

    /// So much was read; nothing at the connection's end.
    pub(super) fn read(&mut self, count: usize) {
        self.input.filled(count);
        let outcome = match (count, self.parser.take()) {
            (0, Some(parser)) => parser.finish().map(Some).map_err(ExchangeError::from),
            (_, Some(parser)) => self.understand(parser),
            (_, None) => return,
        };
        match outcome.and_then(|reply| reply.map(|reply| self.judge(&reply)).transpose()) {
            Ok(None) => {}
            Ok(Some(blake3)) => self.end(blake3, None),
            Err(error) => self.end(String::new(), Some(error.to_string())),
        }
    }

    /// The connection cannot be used any more.
    pub(super) fn fail(&mut self, doing: &str, error: &io::Error) {
        let reason = match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => "no progress".to_owned(),
            kind => kind.to_string(),
        };
        self.end(String::new(), Some(format!("{doing}: {reason}")));
    }

    /// What it came to, once it has ended.
    pub(super) fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    fn end(&mut self, blake3: String, failure: Option<String>) {
        self.outcome.get_or_insert(Outcome {
            bytes: self.bytes,
            blake3,
            failure,
        });
    }

    fn make_more(&mut self) {
        let Sending::Content {
            content,
            offset,
            length,
        } = &mut self.sending
        else {
            return;
        };
        if !self.output.is_empty() && *offset > 0 {
            return;
        }
        // A multiple of three, so that the parts' texts make up the whole one's.
        let most = self.chunk / 4 * 3;
        let left = *length - *offset;
        let part = usize::try_from(left).map_or(most, |left| left.min(most));
        if self.scratch.len() < part {
            self.scratch.resize(most, 0);
        }
        let portion = &mut self.scratch[..part];
        content.fill(*offset, portion);
        self.hasher.update(portion);
        let room = self.output.room(part.div_ceil(3) * 4);
        let written = base64::encode(portion, room).unwrap_or_default();
        self.output.filled(written);
        *offset += part as u64;
        self.bytes = *offset;
        if offset == length {
            self.sending = Sending::Nothing;
            self.output.push(b"\r\n");
        }
    }

    fn understand(&mut self, mut parser: ReplyParser) -> Result<Option<Reply>, ExchangeError> {
        let mut reply = None;
        while reply.is_none() && !self.input.is_empty() {
            let (taken, event) = parser.parse(self.input.waiting())?;
            match event {
                None => {}
                Some(ReplyEvent::Whole(whole)) => reply = Some(whole),
                Some(ReplyEvent::Content(text)) => {
                    let room = Decoder::room(text.len());
                    if self.scratch.len() < room {
                        self.scratch.resize(room, 0);
                    }
                    let count = self.decoder.decode(text, &mut self.scratch)?;
                    self.hasher.update(&self.scratch[..count]);
                    self.bytes += count as u64;
                }
            }
            self.input.consume(taken);
        }
        self.parser = Some(parser);
        Ok(reply)
    }

    /// The hash of what was moved, if the reply is what it should be.
    fn judge(&self, reply: &Reply) -> Result<String, ExchangeError> {
        if !reply.is_ok() {
            return Err(ExchangeError::Refused(reply.words()));
        }
        let hash = self.hasher.finalize().to_string();
        if let Expected::Content { length, blake3 } = &self.expected {
            if !reply.has_content() {
                return Err(ExchangeError::NoContent);
            }
            self.decoder.finish()?;
            let (came, length) = (self.bytes, *length);
            if came != length {
                return Err(ExchangeError::Length { came, length });
            }
            if blake3.as_ref().is_some_and(|expected| *expected != hash) {
                return Err(ExchangeError::Different);
            }
        }
        Ok(hash)
    }
}

/// More than any reply has, its content not counted.
const MOST_HELD: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::job::{hash, shared_content};
    use super::super::options::Load;
    use super::*;

    fn job(operation: Operation, size: u64) -> Job {
        let load = Load {
            server: ([127, 0, 0, 1], 1).into(),
            operation,
            size,
            seed: 7,
            prefix: "two words".parse().unwrap(),
            patience: Duration::from_secs(1),
            buffer: 4 << 10,
        };
        let expected = (operation == Operation::Download).then(|| hash(shared_content(7), size));
        Job::new(3, &load, expected).unwrap()
    }

    fn sent(exchange: &mut Exchange) -> Vec<u8> {
        let mut all = Vec::new();
        while !exchange.output().is_empty() {
            // As a slow connection takes it.
            let part = exchange.output().len().min(1000);
            all.extend_from_slice(&exchange.output()[..part]);
            exchange.written(part);
        }
        all
    }

    fn reply(exchange: &mut Exchange, text: &[u8]) {
        for part in text.chunks(700) {
            exchange.room()[..part.len()].copy_from_slice(part);
            exchange.read(part.len());
        }
    }

    fn base64_of(bytes: &[u8]) -> Vec<u8> {
        let mut text = vec![0; bytes.len() * 2 + 4];
        let length = base64::encode(bytes, &mut text).unwrap();
        text.truncate(length);
        text
    }

    #[test]
    fn an_upload_sends_its_content_and_tells_its_hash() {
        for size in [0, 1, 3071, 3072, 3073, 20_000] {
            let job = job(Operation::Upload, size);
            let mut exchange = Exchange::new(&job);
            let mut content = vec![0; usize::try_from(size).unwrap()];
            job.content().fill(0, &mut content);
            let expected = [
                b"UPLOAD 'two words-3.bin' ",
                &base64_of(&content)[..],
                b"\r\n",
            ];
            assert!(sent(&mut exchange) == expected.concat(), "{size}");
            assert!(exchange.outcome().is_none());
            reply(
                &mut exchange,
                b"{\"status\": \"OK\", \"data\": \"x\"}\r\n\r\n",
            );
            let outcome = exchange.outcome().unwrap();
            assert_eq!((outcome.bytes, &outcome.failure), (size, &None));
            assert_eq!(outcome.blake3, blake3::hash(&content).to_string());
        }
    }

    #[test]
    fn a_download_must_be_what_was_asked_for() {
        let mut content = vec![0; 5000];
        shared_content(7).fill(0, &mut content);
        let text = base64_of(&content);
        let mut other = content.clone();
        other[4999] ^= 1;
        for (text, end, failure) in [
            (text.clone(), &b"\"}\r\n\r\n"[..], None),
            (
                base64_of(&other),
                b"\"}\r\n\r\n",
                Some("not what was asked for"),
            ),
            (
                base64_of(&content[..4998]),
                b"\"}\r\n\r\n",
                Some("4998 bytes came of 5000"),
            ),
            (text[..6665].to_vec(), b"\"}\r\n\r\n", Some("not base64")),
            (text, b"\"}x", Some("the reply is wrong")),
        ] {
            let mut exchange = Exchange::new(&job(Operation::Download, 5000));
            assert_eq!(sent(&mut exchange), b"DOWNLOAD 'two words.bin'\r\n");
            let head = b"{\"status\": \"OK\", \"data_namafile\": \"x\", \"data_file\": \"";
            reply(&mut exchange, &[head, &text[..], end].concat());
            let found = exchange.outcome().unwrap().failure.clone();
            match (&found, failure) {
                (None, None) => {}
                (Some(found), Some(failure)) => assert!(found.contains(failure), "{found}"),
                _ => panic!("{found:?} instead of {failure:?}"),
            }
        }
    }

    #[test]
    fn what_the_server_refuses_has_failed_with_its_words() {
        let mut exchange = Exchange::new(&job(Operation::Download, 5));
        reply(
            &mut exchange,
            b"{\"status\": \"ERROR\", \"data\": \"no such file\"}\r\n\r\n",
        );
        let failure = exchange.outcome().unwrap().failure.clone();
        assert_eq!(failure.as_deref(), Some("the server said: no such file"));
        let mut exchange = Exchange::new(&job(Operation::Download, 5));
        exchange.read(0);
        let failure = exchange.outcome().unwrap().failure.clone();
        let expected = "the reply is wrong: the connection ended without a reply";
        assert_eq!(failure.as_deref(), Some(expected));
    }
}
