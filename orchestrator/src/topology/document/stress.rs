//! The tables of scenarios with a file server.

use std::borrow::Cow;
use std::fmt;

use protocol::name::{FileName, NodeName};
use protocol::stress::{Operation, Workers};
use protocol::unit::{ByteSize, Time};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer};

use super::scenario::{FaultEntry, ScenarioKeys, scenario_table};
use super::table::table;
use super::word::{Count, ExpectWord, Filled, Flag, Port, Scalar, Text};
use super::{At, Many, Named, Written};
use crate::topology::model::{CaptureMode, Durability};

scenario_table! {
    /// Many clients at a file server.
    #[schemars(rename = "Stress", extend("required" = ["name", "server", "client", "operation", "size"]))]
    StressEntry {
        /// The server: the built-in one, or a program of yours. It is started anew for each cell.
        server: At<ServerEntry>,
        /// The clients: their node, or a table that says more.
        client: At<ClientEntry>,
        /// The operation of every client, done once: "upload" a file of its own, or "download" one that is
        /// the same for all.
        operation: Written<Operation>,
        /// The length of each file: "10MiB".
        size: Written<ByteSize>,
        /// A table of what others have reported, as CSV, to be shown beside the figures here. Its columns
        /// are told by its first line.
        published: Written<Filled>,
        /// The bytes that its captures may take together; beyond that they are incomplete. Default: the rest
        /// of the run's 1 GiB.
        capture_limit: Written<ByteSize>,
    }
}

/// A file server on a node: the built-in one, or, where there is a `command`, a program of yours.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Server", extend("required" = ["node"]))]
pub(in crate::topology) struct ServerEntry {
    /// Where it runs.
    pub(in crate::topology) node: Written<NodeName>,
    /// The TCP port that it listens on; default 45000 for stress, 46666 for file-server, as in the
    /// original labs.
    pub(in crate::topology) port: Written<Port>,
    /// The kind of its workers: "thread" (default), "process", "async". Beside `command`: only a label for
    /// reports.
    pub(in crate::topology) model: Written<Workers>,
    /// The number of connections it serves at once; default 5. Beside `command`: only a label for reports.
    pub(in crate::topology) workers: Written<Count>,
    /// A program of yours with its arguments, in place of the built-in server. It must listen on
    /// `port` and keep its files in `directory`.
    pub(in crate::topology) command: At<Many<Written<Text>>>,
    /// Where its files are, an absolute path in the node; default "/dev/shm/files", which is memory.
    pub(in crate::topology) directory: Written<Filled>,
    /// When an uploaded file must be on the disk: "none" (default: when the kernel thinks fit), "file" (its
    /// content, before it has its name), "all" (its name too, before the upload is acknowledged).
    pub(in crate::topology) sync: Written<Durability>,
    /// Whether the server counts on the original lab's clients: names in lower case, and a DELETE that ends
    /// in silence. Default: where a command of the scenario ends in silence.
    pub(in crate::topology) compat: Written<Flag>,
    /// The longest file that may be uploaded; default "4GiB".
    pub(in crate::topology) max_file: Written<ByteSize>,
    /// The longest request line in bytes, contents not counted, 16 to 65536; default 4096.
    pub(in crate::topology) max_line: Written<Count>,
    /// The number of connections that may be open, including those that wait; more are refused. Default 4096.
    pub(in crate::topology) connections: Written<Count>,
    /// A connection that makes no progress for so long is closed; default "30s".
    pub(in crate::topology) idle: Written<Time>,
    /// The least part of a content or a reply that counts as progress, unless it ends; default "16KiB".
    pub(in crate::topology) slowest: Written<ByteSize>,
    /// After how long a silence a command without a line's end is whole; default "200ms".
    pub(in crate::topology) silence: Written<Time>,
    /// The time that requests already begun may take once the server is to end; default "10s".
    pub(in crate::topology) drain: Written<Time>,
    /// The bytes read or written at once, "4KiB" to "256KiB" (default).
    pub(in crate::topology) buffer: Written<ByteSize>,
}

/// The clients: their node alone, or a table that says more.
#[derive(Debug, Default)]
pub(in crate::topology) struct ClientEntry(pub(in crate::topology) ClientTable);

/// Clients on a node.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Client", extend("required" = ["node"]))]
pub(in crate::topology) struct ClientTable {
    /// Where they run.
    pub(in crate::topology) node: Written<NodeName>,
    /// The kind of clients: "thread" (default), "process", "async".
    pub(in crate::topology) model: Written<Workers>,
    /// The number of clients, all at once; default 1.
    pub(in crate::topology) workers: Written<Count>,
}

impl<'de> Deserialize<'de> for ClientEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ClientVisitor)
    }
}

struct ClientVisitor;

impl<'de> Visitor<'de> for ClientVisitor {
    type Value = ClientEntry;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a node's name, or a table with one")
    }

    fn visit_some<D: Deserializer<'de>>(self, table: D) -> Result<ClientEntry, D::Error> {
        ClientTable::deserialize(table).map(ClientEntry)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, word: D) -> Result<ClientEntry, D::Error> {
        let node = Written::deserialize(word)?;
        Ok(ClientEntry(ClientTable {
            node,
            ..ClientTable::default()
        }))
    }
}

impl JsonSchema for ClientEntry {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ClientEntry".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let node = generator.subschema_for::<Written<NodeName>>();
        let table = generator.subschema_for::<ClientTable>();
        json_schema!({ "anyOf": [node, table] })
    }
}
