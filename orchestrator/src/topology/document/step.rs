//! The tables of a step: exactly one action, told by its key.

use std::borrow::Cow;
use std::fmt;

use protocol::name::NodeName;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer};

use super::place::{AnyFile, NodeFile, NodePort};
use super::word::{ExitCode, Filled, Flag, Signal, Text};
use super::{At, Many, Written};
use crate::topology::unit::Time;

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

/// A step's table: the keys of its own, and those that every step has.
macro_rules! step {
    ($(#[$doc:meta])* $name:ident, $required:expr, { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Default, Deserialize, JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        #[schemars(inline, extend("required" = $required))]
        pub(in crate::topology) struct $name {
            $($(#[$field_doc])* pub(in crate::topology) $field: $type,)*
            /// What it is called in reports; default: the action in words.
            pub(in crate::topology) name: Written<Filled>,
            /// How long it may take, retries included; default "10s".
            pub(in crate::topology) within: Written<Time>,
            /// Whether it is tried again until it holds or `within` is over.
            pub(in crate::topology) retry: Written<Flag>,
        }

        impl $name {
            /// What every step has.
            pub(in crate::topology) fn common(&self) -> Common<'_> {
                Common { name: &self.name, within: &self.within, retry: &self.retry }
            }
        }
    };
}

/// What every step has.
#[derive(Debug, Clone, Copy)]
pub(in crate::topology) struct Common<'a> {
    pub(in crate::topology) name: &'a Written<Filled>,
    pub(in crate::topology) within: &'a Written<Time>,
    pub(in crate::topology) retry: &'a Written<Flag>,
}

step! {
    /// Runs a program to its end.
    RunEntry, ["run", "node"], {
        /// Program and arguments.
        run: At<Many<Written<Text>>>,
        /// Where.
        node: Written<NodeName>,
        /// What must hold of it; by default, that it ends with 0.
        expect: ExpectEntry,
        /// Keeps its output, for `${name}` in later steps.
        save: SaveEntry,
    }
}

step! {
    /// Starts a program that runs beside the later steps.
    StartEntry, ["start", "node", "id"], {
        /// Program and arguments.
        start: At<Many<Written<Text>>>,
        /// Where.
        node: Written<NodeName>,
        /// What later steps call it.
        id: Written<Filled>,
    }
}

step! {
    /// Waits for a program started earlier to end.
    FinishEntry, ["finish"], {
        /// The program's id.
        finish: Written<Filled>,
        /// What must hold of it; by default, that it ends with 0.
        expect: ExpectEntry,
    }
}

step! {
    /// Ends a program started earlier, by a signal.
    StopEntry, ["stop"], {
        /// The program's id.
        stop: Written<Filled>,
        /// The signal: "TERM" (default), "INT", "KILL", ….
        signal: Written<Signal>,
    }
}

step! {
    /// Waits until a port listens.
    AwaitPortEntry, ["await_port"], {
        /// The port: "alpine-1:5005/udp".
        await_port: Written<NodePort>,
    }
}

step! {
    /// Waits until a program started earlier has printed a line.
    AwaitLineEntry, ["await_line", "of"], {
        /// A text in the line.
        await_line: Written<Filled>,
        /// The program's id.
        of: Written<Filled>,
    }
}

step! {
    /// Waits until a file exists.
    AwaitFileEntry, ["await_file"], {
        /// The file: `alpine-1:/root/data.jpg`.
        await_file: Written<NodeFile>,
    }
}

step! {
    /// Expects files to be equal byte for byte.
    EqualEntry, ["equal"], {
        /// The original, then its copies: `["inputs/data.jpg", "alpine-1:/root/data.jpg"]`.
        equal: At<Many<Written<AnyFile>>>,
    }
}

/// What must hold of a program that ended.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Expect")]
pub(in crate::topology) struct ExpectEntry {
    /// Its exit code; default 0.
    pub(in crate::topology) code: Written<ExitCode>,
    /// What its standard output must be, trimmed.
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
