//! The work of a connection: bytes in, bytes out, files in between. There is no socket, and the only clock is
//! the time since the last progress.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::file_service::base64::{self, Decoder};
use protocol::file_service::reply;
use protocol::file_service::request::{Command, RequestEvent, RequestLimits, RequestParser};
use protocol::name::FileName;
use protocol::stress::StoredFile;

use super::incoming::Incoming;
use super::options::Service;
use super::report::Report;
use super::storage::{Storage, StorageError};
use crate::buffer::Buffer;

/// One connection after the other, with the same buffers.
#[derive(Debug)]
pub(super) struct Session {
    storage: Arc<Storage>,
    limits: RequestLimits,
    idle: Duration,
    silence: Duration,
    chunk: usize,
    input: Buffer,
    output: Buffer,
    /// The buffer between files and base64.
    scratch: Vec<u8>,
    parser: RequestParser,
    work: Work,
    report: Report,
    stored: Option<StoredFile>,
    over: bool,
    /// When the last progress was made. Part of a request line is none, and of a content or a reply only
    /// one that is long enough.
    progress: Instant,
    /// Bytes of a content or a reply that have moved since.
    moved: u64,
    /// The number of them that counts as progress.
    slowest: u64,
}

/// The work that a connection is in the middle of.
#[derive(Debug)]
enum Work {
    /// The next request.
    Requests,
    /// A file that comes.
    Upload(Box<Upload>),
    /// A file that goes, with what is left of it.
    Download(File, u64),
}

#[derive(Debug)]
struct Upload {
    name: FileName,
    decoder: Decoder,
    /// Or why the rest of the content is of no use.
    file: Result<Incoming, StorageError>,
}

/// A file that was stored: its name, its length, and what is to be reported of it.
type Kept = (FileName, u64, Option<StoredFile>);

impl Session {
    /// A session for the files in `storage`.
    pub(super) fn new(storage: Arc<Storage>, service: &Service) -> Self {
        let line = service.max_line as usize;
        // Twice what the longest file takes: up to there, an upload that has failed is read to its
        // end, so that the connection can go on.
        let request = base64::text_length(service.max_file)
            .saturating_mul(2)
            .saturating_add(1 << 16);
        let limits = RequestLimits {
            line,
            request,
            silent_delete: service.compat,
        };
        Self {
            storage,
            limits,
            idle: service.idle,
            silence: service.silence,
            chunk: service.buffer,
            input: Buffer::new(service.buffer),
            output: Buffer::new(0),
            scratch: Vec::new(),
            parser: RequestParser::new(limits),
            work: Work::Requests,
            report: Report::default(),
            stored: None,
            over: false,
            progress: Instant::now(),
            moved: 0,
            slowest: service.slowest,
        }
    }

    /// Begins with a new connection.
    pub(super) fn restart(&mut self) {
        self.input.clear();
        self.output.clear();
        self.parser = RequestParser::new(self.limits);
        self.work = Work::Requests;
        self.report = Report::default();
        self.stored = None;
        self.over = false;
        self.go_on();
    }

    /// Ends the session and returns its report.
    pub(super) fn finish(&mut self) -> Report {
        // An unfinished file goes now, and not with the next connection.
        self.work = Work::Requests;
        std::mem::take(&mut self.report)
    }

    /// Goes on until there is something to write or to report, or nothing left to read. Works with
    /// files: it may block.
    pub(super) fn advance(&mut self) {
        while self.output.is_empty() && self.stored.is_none() && !self.over {
            if let Work::Download(..) = self.work {
                self.send_more();
            } else if !self.take_more() {
                break;
            }
        }
    }

    /// Returns the bytes to be written. Until they are, the session does not go on.
    pub(super) fn output(&self) -> &[u8] {
        self.output.waiting()
    }

    /// Takes note that `count` bytes were written.
    pub(super) fn written(&mut self, count: usize) {
        self.output.consume(count);
        let is_end = self.output.is_empty() && !matches!(self.work, Work::Download(..));
        self.moved += count as u64;
        if self.moved >= self.slowest || is_end {
            self.go_on();
        }
    }

    /// A file that was stored and is to be reported before its upload is acknowledged.
    pub(super) fn stored(&mut self) -> Option<StoredFile> {
        self.stored.take()
    }

    /// Whether the connection is to be closed.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// Where what is read goes. There is room once [`Self::advance`] has nothing to write.
    pub(super) fn room(&mut self) -> &mut [u8] {
        self.input.room(1)
    }

    /// Takes note that `count` bytes were read; zero at the connection's end.
    pub(super) fn read(&mut self, count: usize) {
        if count > 0 {
            self.input.filled(count);
            return;
        }
        // A client that dies within a line may have meant another one: nothing comes of it.
        self.over = true;
        if !self.is_between() {
            self.broken("the client closed the connection within a request");
        }
    }

    /// Whether the client has no request under way.
    pub(super) fn is_between(&self) -> bool {
        matches!(self.work, Work::Requests) && self.parser.is_between()
    }

    /// Returns the time to wait for something to read, or for room to write.
    pub(super) fn patience(&self) -> Duration {
        let left = self.idle.saturating_sub(self.progress.elapsed());
        if self.parser.may_be_whole() {
            self.silence.min(left)
        } else {
            left
        }
    }

    /// Nothing came for so long.
    pub(super) fn lapse(&mut self) {
        if let Some(command) = self.parser.on_silence() {
            self.obey(command);
            return;
        }
        self.over = true;
        if !self.is_between() {
            let reason = format!("no progress for {:?}", self.idle);
            self.output.push(&reply::error(&reason));
            self.report.failed += 1;
            self.broken(&reason);
        }
    }

    /// The connection cannot be used any more.
    pub(super) fn fail(&mut self, error: &io::Error) {
        self.over = true;
        self.output.clear();
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                self.broken(&format!("no progress for {:?}", self.idle));
            }
            kind => self.broken(&format!("the connection broke: {kind}")),
        }
    }

    /// The server is to end: no further request is taken.
    pub(super) fn close(&mut self) {
        self.over = true;
    }

    fn broken(&mut self, reason: &str) {
        self.report.broken.get_or_insert_with(|| reason.to_owned());
    }

    /// Takes the next event of what was read; says whether there was one.
    fn take_more(&mut self) -> bool {
        let between = self.is_between();
        let (taken, event) = self.parser.parse(self.input.waiting());
        let found = event.is_some();
        // A line has its time from its first byte on; further ones, and empty lines, give it no more.
        let progress = match &event {
            Some(RequestEvent::Content(text)) => {
                self.moved += text.len() as u64;
                self.moved >= self.slowest
            }
            Some(_) => true,
            None => between && !self.is_between(),
        };
        let mut answer = None;
        match event {
            None => {}
            Some(RequestEvent::Command(command)) => {
                self.input.consume(taken);
                self.obey(command);
                return true;
            }
            Some(RequestEvent::UploadBegun(name)) => {
                let file = self.storage.incoming(&name);
                let decoder = Decoder::default();
                self.work = Work::Upload(Box::new(Upload {
                    name,
                    decoder,
                    file,
                }));
            }
            Some(RequestEvent::Content(text)) => {
                if let Work::Upload(upload) = &mut self.work {
                    let room = Decoder::room(text.len());
                    if self.scratch.len() < room {
                        self.scratch.resize(Decoder::room(self.chunk), 0);
                    }
                    upload.take(text, &mut self.scratch);
                }
            }
            Some(RequestEvent::UploadEnded) => {
                if let Work::Upload(upload) = std::mem::replace(&mut self.work, Work::Requests) {
                    answer = Some(upload.finish());
                }
            }
            Some(RequestEvent::Refused(refusal)) => {
                self.work = Work::Requests;
                self.refuse(&refusal.to_string());
            }
            Some(RequestEvent::Lost(refusal)) => {
                self.work = Work::Requests;
                let reason = refusal.to_string();
                self.refuse(&reason);
                self.broken(&reason);
                self.over = true;
            }
        }
        self.input.consume(taken);
        if let Some(stored) = answer {
            self.acknowledge(stored);
        }
        if progress {
            self.go_on();
        } else if taken > 0 && self.progress.elapsed() >= self.idle {
            // However fast it comes, nothing comes of it.
            self.lapse();
        }
        found
    }

    fn go_on(&mut self) {
        (self.progress, self.moved) = (Instant::now(), 0);
    }

    fn acknowledge(&mut self, stored: Result<Kept, StorageError>) {
        match stored {
            Ok((name, bytes, stored)) => {
                self.report.stored += bytes;
                self.report.ok += 1;
                self.stored = stored;
                self.output.push(&reply::uploaded(&name));
            }
            Err(error) => self.refuse(&error.to_string()),
        }
    }

    fn obey(&mut self, command: Command) {
        let outcome = match command {
            Command::List => self
                .storage
                .names()
                .map(|names| self.answer(&reply::list(names.iter().map(String::as_str)))),
            Command::Delete(name) => self
                .storage
                .delete(&name)
                .map(|()| self.answer(&reply::deleted(&name))),
            Command::Get(name) => self.storage.file(&name).map(|(file, length)| {
                self.output.push(&reply::file_head(&name));
                self.work = Work::Download(file, length);
                // Its first bytes go with the head.
                self.send_more();
            }),
        };
        if let Err(error) = outcome {
            self.refuse(&error.to_string());
        }
    }

    fn answer(&mut self, reply: &[u8]) {
        self.report.ok += 1;
        self.output.push(reply);
    }

    fn refuse(&mut self, reason: &str) {
        self.report.failed += 1;
        self.output.push(&reply::error(reason));
    }

    /// Puts the next part of the file into the output.
    fn send_more(&mut self) {
        let Work::Download(file, left) = &mut self.work else {
            return;
        };
        // A multiple of three, so that the parts' texts make up the whole one's.
        let most = self.chunk / 4 * 3;
        let part = usize::try_from(*left).map_or(most, |left| left.min(most));
        if self.scratch.len() < part {
            self.scratch.resize(most, 0);
        }
        let portion = &mut self.scratch[..part];
        if let Err(error) = file.read_exact(portion) {
            // The reply cannot be completed, and must not look as if it were.
            self.over = true;
            self.broken(&format!(
                "the file could not be read to its end: {}",
                error.kind()
            ));
            return;
        }
        *left -= part as u64;
        let ended = *left == 0;
        let room = self.output.room(part.div_ceil(3) * 4);
        let written = base64::encode(portion, room).unwrap_or_default();
        self.output.filled(written);
        self.report.sent += part as u64;
        if ended {
            self.work = Work::Requests;
            self.answer(reply::FILE_TAIL);
        }
    }
}

impl Upload {
    fn take(&mut self, text: &[u8], scratch: &mut [u8]) {
        let Ok(file) = &mut self.file else {
            return;
        };
        let decoded = self.decoder.decode(text, scratch);
        let written = decoded
            .map_err(StorageError::from)
            .and_then(|count| file.write(&scratch[..count]));
        if let Err(error) = written {
            // What was written is removed now, and not when the rest has come.
            self.file = Err(error);
        }
    }

    fn finish(self) -> Result<Kept, StorageError> {
        let file = self.file?;
        self.decoder.finish()?;
        let (bytes, stored) = file.commit(&self.name)?;
        Ok((self.name, bytes, stored))
    }
}
