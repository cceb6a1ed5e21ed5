//! A scripted conversation with a file server, as its client is told it and tells of it.
//!
//! `node converse --server ADDRESS:PORT --connection shared|per-command --directory D` prints `ready`,
//! takes an [`Order`] from each line of its standard input, prints a [`ReplyRecord`] for each, and ends
//! with its input. A content that comes along lies in the directory, named by the order's number.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::task::NotOneOf;

/// The spread of commands over connections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Connections {
    /// Each has a connection of its own, as the original labs' clients do it.
    #[default]
    PerCommand,
    /// One for all. After one that has failed, the next command opens another.
    Shared,
}

impl Connections {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::PerCommand, Self::Shared];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::PerCommand => "per-command",
            Self::Shared => "shared",
        }
    }
}

impl fmt::Display for Connections {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.word())
    }
}

impl FromStr for Connections {
    type Err = NotOneOf;

    fn from_str(text: &str) -> Result<Self, NotOneOf> {
        let found = Self::ALL.into_iter().find(|one| one.word() == text);
        found.ok_or_else(|| NotOneOf::new(Self::ALL.map(Self::word)))
    }
}

/// A command to be given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its number, from 0.
    pub number: u32,
    /// The request.
    pub request: Request,
    /// The time limit in milliseconds, the connection included.
    pub within_ms: u64,
}

/// A request to a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// LIST.
    List,
    /// GET of a name.
    Get(String),
    /// DOWNLOAD of a name.
    Download(String),
    /// UPLOAD.
    Upload {
        /// The name at the server.
        name: String,
        /// Where the file lies in the client's node.
        file: String,
    },
    /// DELETE of a name.
    Delete(String),
    /// A line as it is, with its end.
    Raw(String),
}

/// The result of a command.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReplyRecord {
    /// The order's number.
    pub number: u32,
    /// Which connection it was, from 1; 0 if there was none.
    pub connection: u32,
    /// The reply's status as it came; none if no reply did.
    pub status: Option<String>,
    /// The names that a list holds.
    pub names: Option<Vec<String>>,
    /// The other words of the server's reply: the reason of an error.
    pub words: String,
    /// The content that came along.
    pub content: Option<Moved>,
    /// The content that was sent.
    pub sent: Option<Moved>,
    /// Seconds from the order until the last byte of the reply was read, a content stored.
    pub seconds: f64,
    /// Why there is no reply, or why its content is not whole.
    pub failure: Option<String>,
}

impl ReplyRecord {
    /// Whether what was asked for was done.
    pub fn is_ok(&self) -> bool {
        let ok = |status: &String| status.eq_ignore_ascii_case("OK");
        self.failure.is_none() && self.status.as_ref().is_some_and(ok)
    }
}

/// A content that was moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// Its length in bytes.
    pub bytes: u64,
    /// BLAKE3 of it, in lower-case hexadecimal.
    pub blake3: String,
}

/// The longest line that an order may be, in bytes.
pub const LONGEST_ORDER: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_is_one_line_and_reads_back() {
        let text = || "two\nlines \u{fc}".to_owned();
        for request in [
            Request::List,
            Request::Get(text()),
            Request::Download(text()),
            Request::Upload {
                name: text(),
                file: text(),
            },
            Request::Delete(text()),
            Request::Raw(text()),
        ] {
            let order = Order {
                number: 3,
                request,
                within_ms: 10_000,
            };
            let line = serde_json::to_string(&order).unwrap();
            assert!(!line.contains('\n'), "{line}");
            assert_eq!(serde_json::from_str::<Order>(&line).unwrap(), order);
        }
        for connections in Connections::ALL {
            assert_eq!(connections.to_string().parse(), Ok(connections));
        }
        assert!("both".parse::<Connections>().is_err());
    }
}
