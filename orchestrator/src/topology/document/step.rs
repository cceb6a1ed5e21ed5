//! The tables of a step: exactly one action, told by its key.

use std::borrow::Cow;
use std::fmt;

use protocol::name::NodeName;
use protocol::unit::Time;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer};

use super::place::{AnyFile, NodeFile, NodePort};
use super::table::table;
use super::word::{ExitCode, Filled, Flag, Signal, Text};
use super::{At, Many, Written};

/// One step.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(rename = "Step", untagged)]
pub(in crate::topology) enum StepEntry {
    /// Runs a program to its end.
    #[serde(rename = "run")]
    Run(RunEntry),
    /// Starts a program that runs beside the later steps.
    #[serde(rename = "start")]
    Start(StartEntry),
    /// Waits for a program started earlier to end.
    #[serde(rename = "finish")]
    Finish(FinishEntry),
    /// Ends a program started earlier, by a signal.
    #[serde(rename = "stop")]
    Stop(StopEntry),
    /// Waits until a port listens.
    #[serde(rename = "await_port")]
    AwaitPort(AwaitPortEntry),
    /// Waits until a program started earlier has printed a line.
    #[serde(rename = "await_line")]
    AwaitLine(AwaitLineEntry),
    /// Waits until a file exists.
    #[serde(rename = "await_file")]
    AwaitFile(AwaitFileEntry),
    /// Expects files to be equal byte for byte.
    #[serde(rename = "equal")]
    Equal(EqualEntry),
    /// None of these, which has been noted.
    #[default]
    #[serde(rename = "?key")]
    #[schemars(skip)]
    Wrong,
}

/// A step's table, or, without one, the keys that all have.
macro_rules! step_table {
    ($($table:tt)*) => { table! {
        $($table)*
        [StepKeys common {
            /// Its name in reports; default: the action in words.
            name: Written<Filled>,
            /// The time limit, retries included; default "10s".
            within: Written<Time>,
            /// Whether it is tried again until it holds or `within` is over.
            retry: Written<Flag>,
        }]
    } };
}

step_table! {}

step_table! {
    /// Runs a program to its end.
    #[schemars(inline, extend("required" = ["run", "node"]))]
    RunEntry {
        /// Program and arguments.
        run: At<Many<Written<Text>>>,
        /// Where.
        node: Written<NodeName>,
        /// Its expected result; by default, that it ends with 0.
        expect: ExpectEntry,
        /// Keeps its output, for `${name}` in later steps.
        save: SaveEntry,
    }
}

step_table! {
    /// Starts a program that runs beside the later steps.
    #[schemars(inline, extend("required" = ["start", "node", "id"]))]
    StartEntry {
        /// Program and arguments.
        start: At<Many<Written<Text>>>,
        /// Where.
        node: Written<NodeName>,
        /// Its name in later steps.
        id: Written<Filled>,
    }
}

step_table! {
    /// Waits for a program started earlier to end.
    #[schemars(inline, extend("required" = ["finish"]))]
    FinishEntry {
        /// The program's id.
        finish: Written<Filled>,
        /// Its expected result; by default, that it ends with 0.
        expect: ExpectEntry,
    }
}

step_table! {
    /// Ends a program started earlier, by a signal.
    #[schemars(inline, extend("required" = ["stop"]))]
    StopEntry {
        /// The program's id.
        stop: Written<Filled>,
        /// The signal: "TERM" (default), "INT", "KILL", ….
        signal: Written<Signal>,
    }
}

step_table! {
    /// Waits until a port listens.
    #[schemars(inline, extend("required" = ["await_port"]))]
    AwaitPortEntry {
        /// The port: "alpine-1:5005/udp".
        await_port: Written<NodePort>,
    }
}

step_table! {
    /// Waits until a program started earlier has printed a line.
    #[schemars(inline, extend("required" = ["await_line", "of"]))]
    AwaitLineEntry {
        /// A text in the line.
        await_line: Written<Filled>,
        /// The program's id.
        of: Written<Filled>,
    }
}

step_table! {
    /// Waits until a file exists.
    #[schemars(inline, extend("required" = ["await_file"]))]
    AwaitFileEntry {
        /// The file: `alpine-1:/root/data.jpg`.
        await_file: Written<NodeFile>,
    }
}

step_table! {
    /// Expects files to be equal byte for byte.
    #[schemars(inline, extend("required" = ["equal"]))]
    EqualEntry {
        /// The original, then its copies: `["inputs/data.jpg", "alpine-1:/root/data.jpg"]`.
        equal: At<Many<Written<AnyFile>>>,
    }
}

/// The expected result of a program that ended.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Expect")]
pub(in crate::topology) struct ExpectEntry {
    /// Its exit code; default 0.
    pub(in crate::topology) code: Written<ExitCode>,
    /// The expected standard output, trimmed.
    pub(in crate::topology) stdout: Written<Text>,
    /// Texts that its standard output must contain.
    pub(in crate::topology) stdout_contains: Many<Written<Filled>>,
    /// Texts that its standard error must contain.
    pub(in crate::topology) stderr_contains: Many<Written<Filled>>,
}

/// A name to keep a program's output under: the name alone, or with marks around what is kept.
#[derive(Debug, Default)]
pub(in crate::topology) struct SaveEntry(pub(in crate::topology) SaveTable);

/// A value kept from a program's output: the whole, trimmed, or what is between two marks.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Save", extend("required" = ["name"]))]
pub(in crate::topology) struct SaveTable {
    /// The name, for `${name}` in later steps.
    pub(in crate::topology) name: Written<Filled>,
    /// The text before the value.
    pub(in crate::topology) after: Written<Filled>,
    /// The text behind the value.
    pub(in crate::topology) before: Written<Filled>,
}

impl<'de> Deserialize<'de> for SaveEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SaveVisitor)
    }
}

struct SaveVisitor;

impl<'de> Visitor<'de> for SaveVisitor {
    type Value = SaveEntry;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a name, or a table with one")
    }

    fn visit_some<D: Deserializer<'de>>(self, table: D) -> Result<SaveEntry, D::Error> {
        SaveTable::deserialize(table).map(SaveEntry)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, word: D) -> Result<SaveEntry, D::Error> {
        let name = Written::deserialize(word)?;
        Ok(SaveEntry(SaveTable {
            name,
            ..SaveTable::default()
        }))
    }
}

impl JsonSchema for SaveEntry {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "SaveEntry".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let name = generator.subschema_for::<Written<Filled>>();
        let table = generator.subschema_for::<SaveTable>();
        json_schema!({ "anyOf": [name, table] })
    }
}
