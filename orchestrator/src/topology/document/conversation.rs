//! The tables of a scripted conversation with a file server: each command has exactly one request, told
//! by its key.

use protocol::conversation::Connections;
use protocol::name::{FileName, NodeName};
use protocol::unit::Time;
use schemars::JsonSchema;
use serde::Deserialize;

use super::scenario::{FaultEntry, ScenarioKeys, scenario_table};
use super::stress::ServerEntry;
use super::table::table;
use super::word::{ExpectWord, Filled, Flag, Scalar, Text};
use super::{At, Many, Named, Written};
use crate::topology::model::{Answer, CaptureMode, LineEnd};

scenario_table! {
    /// A scripted conversation with a file server.
    #[schemars(rename = "FileServer", extend("required" = ["name", "server", "client", "command"]))]
    FileServerEntry {
        /// The server: the built-in one, or a program of yours. It is started anew for each cell.
        server: At<ServerEntry>,
        /// The node that gives the commands.
        client: Written<NodeName>,
        /// The spread of commands over connections: "per-command" (default), as the original labs' clients do
        /// it, or "shared", one for all.
        connection: Written<Connections>,
        /// The files in the server's folder at the start, from this machine. The folder must be empty before.
        files: Many<Written<Filled>>,
        /// The commands, one after the other; each is given whatever became of those before it.
        command: Many<At<CommandEntry>>,
    }
}

/// One command.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(rename = "Command", untagged)]
pub(in crate::topology) enum CommandEntry {
    /// LIST: what is there?
    #[serde(rename = "list")]
    List(ListEntry),
    /// GET: fetches a file.
    #[serde(rename = "get")]
    Get(GetEntry),
    /// DOWNLOAD: fetches a file, by its later name.
    #[serde(rename = "download")]
    Download(DownloadFileEntry),
    /// UPLOAD: stores a file.
    #[serde(rename = "upload")]
    Upload(UploadEntry),
    /// DELETE: removes a file.
    #[serde(rename = "delete")]
    Delete(DeleteEntry),
    /// A line as it is.
    #[serde(rename = "raw")]
    Raw(RawEntry),
    /// None of these, which has been noted.
    #[default]
    #[serde(rename = "?key")]
    #[schemars(skip)]
    Wrong,
}

/// A command's table, or, without one, the keys that all have.
macro_rules! command_table {
    ($($table:tt)*) => { table! {
        $($table)*
        [CommandKeys common {
            /// The expected result; by default, that it is done.
            expect: ReplyEntry,
            /// Its name in reports; default: the command in words.
            name: Written<Filled>,
            /// The time limit, the connection included; default "10s".
            within: Written<Time>,
        }]
    } };
}

command_table! {}

command_table! {
    /// LIST: what is there?
    #[schemars(inline, extend("required" = ["list"]))]
    ListEntry {
        /// `true`.
        list: Written<Flag>,
    }
}

command_table! {
    /// GET: fetches a file.
    #[schemars(inline, extend("required" = ["get"]))]
    GetEntry {
        /// Its name at the server, which may be a wrong one.
        get: Written<Text>,
    }
}

command_table! {
    /// DOWNLOAD: fetches a file, by its later name.
    #[schemars(inline, extend("required" = ["download"]))]
    DownloadFileEntry {
        /// Its name at the server, which may be a wrong one.
        download: Written<Text>,
    }
}

command_table! {
    /// UPLOAD: stores a file, which must then lie at the server as it is here.
    #[schemars(inline, extend("required" = ["upload"]))]
    UploadEntry {
        /// The file, on this machine.
        upload: Written<Filled>,
        /// Its name at the server, which may be a wrong one; default: its own.
        #[serde(rename = "as")]
        called: Written<Text>,
    }
}

command_table! {
    /// DELETE: removes a file, which must then be gone.
    #[schemars(inline, extend("required" = ["delete"]))]
    DeleteEntry {
        /// Its name at the server, which may be a wrong one.
        delete: Written<Text>,
    }
}

command_table! {
    /// A line as it is, for what no client would say.
    #[schemars(inline, extend("required" = ["raw"]))]
    RawEntry {
        /// The line.
        raw: Written<Text>,
        /// Its ending: "crlf" (default), "lf", or "silence", as the course's original client does it.
        end: Written<LineEnd>,
    }
}

/// The expected result of a command.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Reply")]
pub(in crate::topology) struct ReplyEntry {
    /// The reply's status: "ok" (default), or "error".
    pub(in crate::topology) status: Written<Answer>,
    /// A text in the reason of an error, which is then expected.
    pub(in crate::topology) reason: Written<Filled>,
    /// The names that a list must hold, each once and no others, in any order.
    pub(in crate::topology) names: At<Many<Written<Text>>>,
    /// The content that must come along, byte for byte: a file on this machine. Default for get and download:
    /// the file that the script has put under that name by then.
    pub(in crate::topology) equal: Written<Filled>,
}
