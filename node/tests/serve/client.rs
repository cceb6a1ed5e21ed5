//! A client that can do everything wrong.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use protocol::file_service::answer::{Reply, ReplyError, ReplyEvent, ReplyParser};
use protocol::file_service::base64;
use protocol::file_service::base64::Decoder;

pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    parser: ReplyParser,
    /// Read and not yet understood.
    input: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        // A server that hangs fails the test instead of stopping it.
        stream
            .set_read_timeout(Some(Duration::from_mins(1)))
            .unwrap();
        stream
            .set_write_timeout(Some(Duration::from_mins(1)))
            .unwrap();
        Self {
            stream,
            parser: ReplyParser::new(1 << 20),
            input: Vec::new(),
        }
    }

    pub(crate) fn say(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).unwrap();
    }

    /// Says it and waits for the reply.
    pub(crate) fn ask(&mut self, text: &str) -> Reply {
        self.say(text);
        self.hear().0
    }

    /// What is to be said to store a file.
    pub(crate) fn upload(name: &str, content: &[u8]) -> Vec<u8> {
        let length = usize::try_from(base64::text_length(content.len() as u64)).unwrap();
        let mut text = vec![0; length];
        base64::encode(content, &mut text).unwrap();
        [format!("UPLOAD '{name}' ").as_bytes(), &text, b"\r\n"].concat()
    }

    pub(crate) fn store(&mut self, name: &str, content: &[u8]) -> Reply {
        self.stream.write_all(&Self::upload(name, content)).unwrap();
        self.hear().0
    }

    pub(crate) fn fetch(&mut self, name: &str) -> Option<Vec<u8>> {
        self.say(&format!("GET '{name}'\r\n"));
        let (reply, content) = self.hear();
        reply.is_ok().then_some(content)
    }

    /// The next reply, and the content that came along.
    pub(crate) fn hear(&mut self) -> (Reply, Vec<u8>) {
        self.try_hear().unwrap()
    }

    /// The next reply, or why there is none.
    pub(crate) fn try_hear(&mut self) -> Result<(Reply, Vec<u8>), Broken> {
        let mut content = Vec::new();
        let mut decoder = Decoder::default();
        let mut buffer = vec![0; 64 << 10];
        loop {
            while !self.input.is_empty() {
                let (taken, event) = self.parser.parse(&self.input)?;
                let mut whole = None;
                match event {
                    Some(ReplyEvent::Content(text)) => {
                        let mut out = vec![0; Decoder::room(text.len())];
                        let count = decoder.decode(text, &mut out).unwrap();
                        content.extend_from_slice(&out[..count]);
                    }
                    Some(ReplyEvent::Whole(reply)) => whole = Some(reply),
                    None => {}
                }
                self.input.drain(..taken);
                if let Some(reply) = whole {
                    decoder.finish().unwrap();
                    return Ok((reply, content));
                }
            }
            match self.stream.read(&mut buffer)? {
                0 => {
                    let parser = std::mem::replace(&mut self.parser, ReplyParser::new(1 << 20));
                    return Ok((parser.finish()?, content));
                }
                count => self.input.extend_from_slice(&buffer[..count]),
            }
        }
    }

    /// Has bytes that were read past this client understood first.
    pub(crate) fn unread(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
    }

    /// Whether the server has closed the connection, with or without saying so in good order.
    pub(crate) fn is_closed(&mut self) -> bool {
        matches!(
            self.try_hear(),
            Err(Broken::Reply(ReplyError::None) | Broken::Connection)
        )
    }

    pub(crate) fn end(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }
}

/// Why there was no reply.
#[derive(Debug)]
pub(crate) enum Broken {
    Reply(ReplyError),
    Connection,
}

impl From<ReplyError> for Broken {
    fn from(error: ReplyError) -> Self {
        Self::Reply(error)
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        assert!(
            !matches!(
                error.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
            ),
            "the server hangs"
        );
        Self::Connection
    }
}
