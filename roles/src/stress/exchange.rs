//! A request and its reply: bytes out, bytes in, the content made and hashed on the way. No socket, no
//! clock.

use std::convert::Infallible;
use std::io;

use protocol::content::Content;
use protocol::file_service::answer::{Reply, ReplyError};
use protocol::file_service::base64::NotBase64;
use protocol::file_service::words::quoted;
use protocol::stress::Operation;

use super::job::{Job, Outcome};
use crate::buffer::Buffer;
use crate::file_client::incoming::Incoming;
use crate::file_client::outgoing::Outgoing;

/// An exchange under way.
#[derive(Debug)]
pub(super) struct Exchange {
    moved: Moved,
    output: Buffer,
    input: Buffer,
    incoming: Incoming,
    outcome: Option<Outcome>,
}

/// The content being moved.
#[derive(Debug)]
enum Moved {
    /// To the server.
    There(Content, Outgoing),
    /// From the server, where it must have this length and hash.
    Here { length: u64, blake3: Option<String> },
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
    #[error("more came after the reply")]
    Followed,
}

impl Exchange {
    /// Begins the exchange that the job asks for.
    pub(super) fn new(job: &Job) -> Self {
        let options = &job.options;
        let name = quoted(job.name.as_str());
        let (request, moved, room) = match options.operation {
            Operation::Upload => (
                format!("UPLOAD {name} "),
                Moved::There(job.content(), Outgoing::new(options.size, options.buffer)),
                MOST_HELD,
            ),
            Operation::Download => {
                let moved = Moved::Here {
                    length: options.size,
                    blake3: job.expected.clone(),
                };
                (format!("DOWNLOAD {name}\r\n"), moved, options.buffer)
            }
        };
        let mut output = Buffer::new(0);
        output.push(request.as_bytes());
        Self {
            moved,
            output,
            input: Buffer::new(room),
            incoming: Incoming::new(MOST_HELD),
            outcome: None,
        }
    }

    /// Returns the bytes to be written next; nothing once all were written.
    pub(super) fn output(&mut self) -> &[u8] {
        if let Moved::There(content, outgoing) = &mut self.moved {
            outgoing
                .put(&mut self.output, |offset, portion| {
                    content.fill(offset, portion);
                    Ok::<(), Infallible>(())
                })
                .unwrap_or_else(|never| match never {});
        }
        self.output.waiting()
    }

    /// Takes note that `count` bytes were written.
    pub(super) fn written(&mut self, count: usize) {
        self.output.consume(count);
    }

    /// Where what is read goes.
    pub(super) fn room(&mut self) -> &mut [u8] {
        self.input.room(1)
    }

    /// Takes note that `count` bytes were read; zero at the connection's end.
    pub(super) fn read(&mut self, count: usize) {
        if self.outcome.is_some() {
            return;
        }
        self.input.filled(count);
        let reply = match count {
            0 => self.incoming.end().map(Some).map_err(ExchangeError::from),
            _ => self.incoming.read(&mut self.input, |_| Ok(())),
        };
        match reply.and_then(|reply| reply.map(|reply| self.judge(&reply)).transpose()) {
            Ok(None) => {}
            Ok(Some(blake3)) => self.end(blake3, None),
            Err(error) => self.end(String::new(), Some(error.to_string())),
        }
    }

    /// Whether it came to what was asked for.
    pub(super) fn has_passed(&self) -> bool {
        let outcome = self.outcome.as_ref();
        outcome.is_some_and(|outcome| outcome.failure.is_none())
    }

    /// Takes note that `count` bytes were read after the reply, on top of those that came with it. There must
    /// be none.
    pub(super) fn followed(&mut self, count: usize) {
        if count + self.input.waiting().len() == 0 {
            return;
        }
        if let Some(outcome) = &mut self.outcome {
            let failure = ExchangeError::Followed.to_string();
            outcome.failure.get_or_insert(failure);
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

    /// Returns its outcome, once it has ended.
    pub(super) fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    fn end(&mut self, blake3: String, failure: Option<String>) {
        let bytes = match &self.moved {
            Moved::There(_, outgoing) => outgoing.bytes(),
            Moved::Here { .. } => self.incoming.bytes(),
        };
        self.outcome.get_or_insert(Outcome {
            bytes,
            blake3,
            failure,
        });
    }

    /// The hash of what was moved, if the reply is what it should be.
    fn judge(&self, reply: &Reply) -> Result<String, ExchangeError> {
        if !reply.is_ok() {
            return Err(ExchangeError::Refused(reply.words()));
        }
        let (length, expected) = match &self.moved {
            Moved::There(_, outgoing) => return Ok(outgoing.blake3()),
            Moved::Here { length, blake3 } => (*length, blake3),
        };
        if !reply.has_content() {
            return Err(ExchangeError::NoContent);
        }
        self.incoming.is_whole()?;
        let came = self.incoming.bytes();
        if came != length {
            return Err(ExchangeError::Length { came, length });
        }
        let hash = self.incoming.blake3();
        if expected.as_ref().is_some_and(|expected| *expected != hash) {
            return Err(ExchangeError::Different);
        }
        Ok(hash)
    }
}

/// More than any reply has, its content not counted.
const MOST_HELD: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use protocol::file_service::base64;

    use super::super::job::{hash, shared_content};
    use super::super::options::ClientOptions;
    use super::*;

    fn job(operation: Operation, size: u64) -> Job {
        let options = ClientOptions {
            server: ([127, 0, 0, 1], 1).into(),
            operation,
            size,
            seed: 7,
            prefix: "two words".parse().unwrap(),
            patience: Duration::from_secs(1),
            buffer: 4 << 10,
        };
        let expected = (operation == Operation::Download).then(|| hash(shared_content(7), size));
        Job::new(3, &options, expected).unwrap()
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
    fn nothing_may_come_after_the_reply() {
        let text = b"{\"status\": \"OK\", \"data\": \"x\"}\r\n\r\n";
        let upload = || {
            let mut exchange = Exchange::new(&job(Operation::Upload, 10));
            sent(&mut exchange);
            exchange
        };
        for (along, later, passes) in [(&b""[..], 0, true), (b"x", 0, false), (b"", 1, false)] {
            let mut exchange = upload();
            reply(&mut exchange, &[&text[..], along].concat());
            exchange.followed(later);
            assert_eq!(exchange.has_passed(), passes, "{along:?} {later}");
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
