//! Requests, as a server reads them from a stream that may be cut anywhere.

use memchr::{memchr, memchr3};

use super::words::Words;
use crate::name::{FileName, NameError};

/// The size limits of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLimits {
    /// The longest line, an uploaded content not counted, in bytes.
    pub line: usize,
    /// The longest request in all, in bytes. What is longer loses the connection its place.
    pub request: u64,
    /// Whether silence may end a DELETE too. A line that is only late would remove the wrong file:
    /// `DELETE data`, and then `.jpg`.
    pub silent_delete: bool,
}

/// Something that one request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// The names of the files there.
    List,
    /// A file's content, by GET or DOWNLOAD.
    Get(FileName),
    /// A file to be removed.
    Delete(FileName),
}

/// The meaning of the next bytes of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestEvent<'a> {
    /// A whole request.
    Command(Command),
    /// A file's content follows.
    UploadBegun(FileName),
    /// Its next characters, in base64.
    Content(&'a [u8]),
    /// It has come whole.
    UploadEnded,
    /// A request that is not right has come whole, perhaps after some content. The next one follows.
    Refused(Refusal),
    /// So has one that is so long that nobody waits for its end: there is no next one.
    Lost(Refusal),
}

/// Why a request is not right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such command.
    #[error("unknown command `{0}`; LIST, GET, DOWNLOAD, UPLOAD and DELETE are known")]
    Unknown(String),
    /// A name that no file here can have.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A word too few.
    #[error("{0} what? A file's name must follow")]
    NoName(&'static str),
    /// No content.
    #[error("UPLOAD of what? The content must follow the name, in base64")]
    NoContent,
    /// A word too many.
    #[error("{0} has a word too many; a name with spaces stands in quotes")]
    Extra(&'static str),
    /// A quotation without end.
    #[error("a quotation is not closed")]
    Quotation,
    /// Not text.
    #[error("the request is not UTF-8")]
    Encoding,
    /// A line that is too long.
    #[error("the line is longer than {0} bytes")]
    Line(usize),
    /// A request that is too long.
    #[error("the request is longer than {0} bytes")]
    Request(u64),
}

/// Reads requests piece by piece. Holds at most a line, and of contents nothing.
#[derive(Debug)]
pub struct RequestParser {
    limits: RequestLimits,
    state: State,
    words: Words,
    /// Bytes of the line held.
    line: usize,
    /// Bytes of this request so far.
    length: u64,
    /// Whether a request has been ended by a line's end: its sender then ends all of them so.
    ends_lines: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// In a line.
    Line,
    /// Between an uploaded file's name and its content.
    BeforeContent { separated: bool },
    /// In it; a quote that began it ends it.
    Content { quote: Option<u8> },
    /// After it.
    AfterContent,
    /// In a request that is not right, up to its end.
    Wrong(Refusal),
    /// After one that was too long.
    Lost,
}

impl RequestParser {
    /// A parser at the start of a stream.
    pub fn new(limits: RequestLimits) -> Self {
        Self {
            limits,
            state: State::Line,
            words: Words::default(),
            line: 0,
            length: 0,
            ends_lines: false,
        }
    }

    /// Takes the next bytes: how many of them, and what they mean. Without a meaning, all were taken.
    pub fn parse<'a>(&mut self, input: &'a [u8]) -> (usize, Option<RequestEvent<'a>>) {
        let mut taken = 0;
        while taken < input.len() {
            let (count, event) = match &self.state {
                State::Line => self.line(&input[taken..]),
                State::BeforeContent { separated } => {
                    let separated = *separated;
                    self.before_content(input[taken], separated)
                }
                State::Content { quote } => {
                    let quote = *quote;
                    self.content(&input[taken..], quote)
                }
                State::AfterContent => self.after_content(input[taken]),
                State::Wrong(_) => self.wrong(&input[taken..]),
                State::Lost => (input.len() - taken, None),
            };
            taken += count;
            self.length += count as u64;
            if self.length > self.limits.request {
                return (
                    taken,
                    Some(self.lose(Refusal::Request(self.limits.request))),
                );
            }
            if let Some(event) = event {
                if self.state == State::Line {
                    self.length = 0;
                }
                return (taken, Some(event));
            }
        }
        (taken, None)
    }

    /// Whether nothing of a further request has come.
    pub fn is_between(&self) -> bool {
        self.state == State::Line && self.words.is_empty()
    }

    /// Whether what has come is a whole command of a sender that never ends a line, if nothing
    /// follows for now, and may be carried out though something might.
    pub fn may_be_whole(&self) -> bool {
        self.unended().is_some()
    }

    /// Takes note that nothing follows for now, and returns the command that this makes whole.
    pub fn on_silence(&mut self) -> Option<Command> {
        let command = self.unended()?;
        self.words = Words::default();
        (self.line, self.length) = (0, 0);
        Some(command)
    }

    fn unended(&self) -> Option<Command> {
        if self.ends_lines || self.state != State::Line || self.words.is_empty() {
            return None;
        }
        match command(&self.words.peek()?) {
            Ok(Parsed::Whole(Command::Delete(_))) if !self.limits.silent_delete => None,
            Ok(Parsed::Whole(command)) => Some(command),
            _ => None,
        }
    }

    fn line<'a>(&mut self, input: &[u8]) -> (usize, Option<RequestEvent<'a>>) {
        for (place, &byte) in input.iter().enumerate() {
            let taken = place + 1;
            if byte == b'\n' {
                let empty = self.words.is_empty();
                let words = self.words.finish();
                self.line = 0;
                if empty {
                    self.length = 0;
                    continue;
                }
                self.ends_lines = true;
                return (taken, Some(ended(words)));
            }
            self.line += 1;
            if self.line > self.limits.line {
                self.refuse(Refusal::Line(self.limits.line));
                return (taken, None);
            }
            if !self.words.push(byte) {
                continue;
            }
            if let [upload, name] = self.words.ended()
                && upload.eq_ignore_ascii_case(UPLOAD.as_bytes())
            {
                let name = file_name(name);
                let event = match name {
                    Ok(name) => {
                        self.start_over();
                        let separated = byte != b'\r';
                        self.state = State::BeforeContent { separated };
                        Some(RequestEvent::UploadBegun(name))
                    }
                    Err(refusal) => {
                        self.refuse(refusal);
                        None
                    }
                };
                return (taken, event);
            }
        }
        (input.len(), None)
    }

    fn before_content<'a>(
        &mut self,
        byte: u8,
        separated: bool,
    ) -> (usize, Option<RequestEvent<'a>>) {
        match byte {
            b'\n' => {
                self.end_line();
                let event = if separated {
                    RequestEvent::UploadEnded
                } else {
                    RequestEvent::Refused(Refusal::NoContent)
                };
                return (1, Some(event));
            }
            b' ' | b'\t' => self.state = State::BeforeContent { separated: true },
            b'\r' => {}
            b'"' | b'\'' => self.state = State::Content { quote: Some(byte) },
            _ => {
                self.state = State::Content { quote: None };
                return (0, None);
            }
        }
        (1, None)
    }

    fn content<'a>(
        &mut self,
        input: &'a [u8],
        quote: Option<u8>,
    ) -> (usize, Option<RequestEvent<'a>>) {
        let end = memchr3(b'\n', b'\r', quote.unwrap_or(b' '), input);
        let length = end.unwrap_or(input.len());
        if length > 0 {
            let content = input.get(..length).unwrap_or_default();
            return (length, Some(RequestEvent::Content(content)));
        }
        self.state = match (quote, input.first()) {
            (Some(quote), Some(&byte)) if byte != quote => State::Wrong(Refusal::Quotation),
            _ => State::AfterContent,
        };
        // A line's end is for the next state to see.
        (usize::from(input.first() != Some(&b'\n')), None)
    }

    fn after_content<'a>(&mut self, byte: u8) -> (usize, Option<RequestEvent<'a>>) {
        match byte {
            b'\n' => {
                self.end_line();
                return (1, Some(RequestEvent::UploadEnded));
            }
            b' ' | b'\t' | b'\r' => {}
            _ => self.state = State::Wrong(Refusal::Extra(UPLOAD)),
        }
        (1, None)
    }

    fn wrong<'a>(&mut self, input: &[u8]) -> (usize, Option<RequestEvent<'a>>) {
        let Some(end) = memchr(b'\n', input) else {
            return (input.len(), None);
        };
        let wrong = std::mem::replace(&mut self.state, State::Line);
        self.ends_lines = true;
        let event = match wrong {
            State::Wrong(refusal) => Some(RequestEvent::Refused(refusal)),
            _ => None,
        };
        (end + 1, event)
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.start_over();
        self.state = State::Wrong(refusal);
    }

    fn lose<'a>(&mut self, refusal: Refusal) -> RequestEvent<'a> {
        let first = match std::mem::replace(&mut self.state, State::Lost) {
            State::Wrong(first) => first,
            _ => refusal,
        };
        self.length = 0;
        RequestEvent::Lost(first)
    }

    fn end_line(&mut self) {
        self.state = State::Line;
        self.ends_lines = true;
    }

    fn start_over(&mut self) {
        self.words = Words::default();
        self.line = 0;
    }
}

/// Returns the request that a line makes; for UPLOAD only its errors.
fn ended<'a>(words: Option<Vec<Vec<u8>>>) -> RequestEvent<'a> {
    let Some(words) = words else {
        return RequestEvent::Refused(Refusal::Quotation);
    };
    let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
    match command(&words) {
        Ok(Parsed::Whole(command)) => RequestEvent::Command(command),
        // A content would have been told from its name already.
        Ok(Parsed::Upload) => RequestEvent::Refused(Refusal::NoContent),
        Err(refusal) => RequestEvent::Refused(refusal),
    }
}

enum Parsed {
    Whole(Command),
    Upload,
}

fn command(words: &[&[u8]]) -> Result<Parsed, Refusal> {
    let (first, rest) = words.split_first().unwrap_or((&EMPTY, &[]));
    let known = COMMANDS
        .into_iter()
        .find(|word| first.eq_ignore_ascii_case(word.as_bytes()));
    let Some(word) = known else {
        let said: String = String::from_utf8_lossy(first)
            .chars()
            .take(MOST_REPEATED)
            .collect();
        return Err(Refusal::Unknown(said));
    };
    match (word, rest) {
        (LIST, []) => Ok(Parsed::Whole(Command::List)),
        (LIST, _) | (_, [_, _, ..]) => Err(Refusal::Extra(word)),
        (_, []) => Err(Refusal::NoName(word)),
        (UPLOAD, [_]) => Ok(Parsed::Upload),
        (DELETE, [name]) => Ok(Parsed::Whole(Command::Delete(file_name(name)?))),
        (_, [name]) => Ok(Parsed::Whole(Command::Get(file_name(name)?))),
    }
}

fn file_name(word: &[u8]) -> Result<FileName, Refusal> {
    let text = std::str::from_utf8(word).map_err(|_| Refusal::Encoding)?;
    Ok(text.parse()?)
}

const LIST: &str = "LIST";
const UPLOAD: &str = "UPLOAD";
const DELETE: &str = "DELETE";
const COMMANDS: [&str; 5] = [LIST, "GET", "DOWNLOAD", UPLOAD, DELETE];
const EMPTY: &[u8] = &[];

/// The most characters of an unknown command that are repeated to the client.
const MOST_REPEATED: usize = 40;
