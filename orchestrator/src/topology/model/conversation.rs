//! A scripted conversation with a file server.

use std::path::PathBuf;
use std::time::Duration;

pub use protocol::conversation::Connections;
use protocol::name::NodeName;

use super::stress::Server;

/// A scripted conversation with a file server.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation {
    /// The server.
    pub server: Server,
    /// The node that gives the commands; not the server's.
    pub client: NodeName,
    /// The spread of commands over connections.
    pub connections: Connections,
    /// The files in the server's folder at the start, each under its own name, from this machine.
    pub files: Vec<PathBuf>,
    /// The commands, at least one.
    pub commands: Vec<Command>,
}

/// A command with its expectation.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// Its name in reports: the file's `name`, or the command in words.
    pub name: String,
    /// The request.
    pub said: FileRequest,
    /// The expected reply.
    pub expect: Reply,
    /// The time limit, the connection included.
    pub within: Duration,
}

/// A request to a file server. Names are one line of text, and need not be good names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileRequest {
    /// LIST.
    List,
    /// GET of a name.
    Get(String),
    /// DOWNLOAD of a name.
    Download(String),
    /// UPLOAD.
    Upload {
        /// The file, on this machine.
        file: PathBuf,
        /// The name at the server.
        name: String,
    },
    /// DELETE of a name.
    Delete(String),
    /// One line as it is.
    Raw {
        /// The line without its end.
        line: String,
        /// Its end.
        end: LineEnd,
    },
}

/// The ending of a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LineEnd {
    /// Carriage return and line feed.
    #[default]
    Crlf,
    /// A line feed.
    Lf,
    /// Nothing but a wait for the reply.
    Silence,
}

/// The expected result of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It is done.
    Ok {
        /// The names that come, in any order.
        names: Option<Vec<String>>,
        /// The content that comes along, byte for byte: a file on this machine.
        equal: Option<PathBuf>,
    },
    /// It is refused.
    Error {
        /// A text in the reason.
        reason: Option<String>,
    },
}

/// The status of a reply.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Answer {
    /// It is done.
    #[default]
    Ok,
    /// It is refused.
    Error,
}

impl LineEnd {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Crlf => "crlf",
            Self::Lf => "lf",
            Self::Silence => "silence",
        }
    }

    /// Returns the bytes that are sent.
    pub fn text(self) -> &'static str {
        match self {
            Self::Crlf => "\r\n",
            Self::Lf => "\n",
            Self::Silence => "",
        }
    }
}
