//! A command and its reply: bytes out, bytes in, contents from and to files. No socket, no clock.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use protocol::conversation::{Moved, ReplyRecord, Request};
use protocol::file_service::answer::{Reply, ReplyError};
use protocol::file_service::base64::NotBase64;
use protocol::file_service::words::quoted;

use crate::buffer::Buffer;
use crate::file_client::incoming::Incoming;
use crate::file_client::outgoing::Outgoing;

/// A command under way.
#[derive(Debug)]
pub(super) struct Exchange {
    upload: Option<(File, Outgoing)>,
    output: Buffer,
    incoming: Incoming,
    stored: Stored,
}

/// Where the content that comes along goes: nothing is made where none comes.
#[derive(Debug)]
struct Stored {
    path: PathBuf,
    file: Option<File>,
}

/// Why a command came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExchangeError {
    #[error("the reply is wrong: {0}")]
    Reply(#[from] ReplyError),
    #[error("the content that came along is {0}")]
    Content(#[from] NotBase64),
    #[error("cannot read {path}: {source}")]
    Source { path: String, source: io::Error },
    #[error("cannot store what came along in {path}: {source}")]
    Store { path: String, source: io::Error },
}

impl Exchange {
    /// The command; a content that comes along goes to this path.
    pub(super) fn new(request: &Request, path: PathBuf) -> Result<Self, ExchangeError> {
        let mut upload = None;
        let text = match request {
            Request::List => "LIST\r\n".to_owned(),
            Request::Get(name) => format!("GET {}\r\n", quoted(name)),
            Request::Download(name) => format!("DOWNLOAD {}\r\n", quoted(name)),
            Request::Delete(name) => format!("DELETE {}\r\n", quoted(name)),
            Request::Raw(line) => line.clone(),
            Request::Upload { name, file } => {
                let failed = |source| source_error(file, source);
                let content = File::open(file).map_err(failed)?;
                let length = content.metadata().map_err(failed)?.len();
                upload = Some((content, Outgoing::new(length, CHUNK)));
                format!("UPLOAD {} ", quoted(name))
            }
        };
        let mut output = Buffer::new(0);
        output.push(text.as_bytes());
        Ok(Self {
            upload,
            output,
            incoming: Incoming::new(LONGEST_REPLY),
            stored: Stored { path, file: None },
        })
    }

    /// Returns the bytes to be written next; nothing once all were written.
    pub(super) fn output(&mut self, request: &Request) -> Result<&[u8], ExchangeError> {
        if let (Some((file, outgoing)), Request::Upload { file: path, .. }) =
            (&mut self.upload, request)
        {
            let read = |_, portion: &mut [u8]| file.read_exact(portion);
            let put = outgoing.put(&mut self.output, read);
            put.map_err(|source| source_error(path, source))?;
        }
        Ok(self.output.waiting())
    }

    /// Takes note that `count` bytes were written.
    pub(super) fn written(&mut self, count: usize) {
        self.output.consume(count);
    }

    /// Understands what has come. The reply, once it is whole.
    pub(super) fn read(&mut self, input: &mut Buffer) -> Result<Option<Reply>, ExchangeError> {
        let stored = &mut self.stored;
        self.incoming.read(input, |portion| stored.put(portion))
    }

    /// The connection has ended.
    pub(super) fn end(&mut self) -> Result<Reply, ExchangeError> {
        Ok(self.incoming.end()?)
    }

    /// Writes down what the reply says.
    pub(super) fn note(
        &mut self,
        reply: &Reply,
        record: &mut ReplyRecord,
    ) -> Result<(), ExchangeError> {
        record.status = Some(start_of(&reply.status));
        if reply.has_content() {
            self.incoming.is_whole()?;
            // One of no bytes has made no file yet.
            self.stored.put(&[])?;
            record.content = Some(Moved {
                bytes: self.incoming.bytes(),
                blake3: self.incoming.blake3(),
            });
        }
        let names = reply.data.as_ref().and_then(names);
        if names.is_none() && !reply.has_content() {
            record.words = start_of(&reply.words());
        }
        record.names = names;
        record.sent = self.upload.as_ref().map(|(_, outgoing)| Moved {
            bytes: outgoing.bytes(),
            blake3: outgoing.blake3(),
        });
        Ok(())
    }
}

impl Stored {
    fn put(&mut self, portion: &[u8]) -> Result<(), ExchangeError> {
        let path = &self.path;
        let failed = |source| ExchangeError::Store {
            path: path.display().to_string(),
            source,
        };
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(File::create(path).map_err(failed)?),
        };
        file.write_all(portion).map_err(failed)
    }
}

/// The texts of a list that has nothing else.
fn names(data: &serde_json::Value) -> Option<Vec<String>> {
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    data.as_array()?.iter().map(text).collect()
}

/// The first characters, for a server may say anything.
fn start_of(text: &str) -> String {
    text.chars().take(MOST_REPEATED).collect()
}

fn source_error(path: impl AsRef<Path>, source: io::Error) -> ExchangeError {
    let path = path.as_ref().display().to_string();
    ExchangeError::Source { path, source }
}

/// Characters of text that are made at once.
const CHUNK: usize = 64 << 10;

/// Longer than any reply of ours, contents not counted: a list of 256 KiB of names, escaped.
const LONGEST_REPLY: usize = 1 << 20;

/// The most characters that are told of what a server says.
const MOST_REPEATED: usize = 1000;
