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
    /// How commands are spread over connections.
    pub connections: Connections,
    /// What lies in the server's folder at the start, under its own name: files on this machine.
    pub files: Vec<PathBuf>,
    /// The commands, at least one.
    pub commands: Vec<Command>,
}

/// A command with its expectation.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// What it is called in reports: the file's `name`, or the command in words.
    pub name: String,
    /// What is said.
    pub said: FileRequest,
    /// What must come of it.
    pub expect: Reply,
    /// How long it may take, the connection included.
    pub within: Duration,
}

/// What is said to a server. Names are one line of text, and need be no good names.
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

/// What ends a line.
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

/// What must come of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It is done.
    Ok {
        /// The names that come, in any order.
        names: Option<Vec<String>>,
        /// What comes along, byte for byte: a file on this machine.
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

    /// What is sent.
    pub fn text(self) -> &'static str {
        match self {
            Self::Crlf => "\r\n",
            Self::Lf => "\n",
            Self::Silence => "",
        }
    }
}
