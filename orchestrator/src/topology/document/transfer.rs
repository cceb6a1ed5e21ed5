//! The tables of scenarios that send files.

use protocol::name::{FileName, NodeName};
use schemars::{JsonSchema, Schema};
use serde::Deserialize;

use super::scenario::{FaultEntry, ScenarioKeys, scenario_table};
use super::table::table;
use super::word::{Count, ExpectWord, Filled, Port, Scalar};
use super::{At, Many, Named, Written};
use crate::topology::model::{BroadcastAddress, CaptureMode, Framing, Model};
use crate::topology::unit::{ByteSize, Time};

scenario_table! {
    /// Files from one node to many by UDP broadcast.
    #[schemars(rename = "Broadcast", transform = sends)]
    BroadcastEntry {
        /// The sender.
        from: Written<NodeName>,
        /// The receivers; the name of a node with `count` stands for all of them.
        to: At<Many<Written<NodeName>>>,
        /// The files, on this machine.
        files: At<Many<Written<Filled>>>,
        /// What the sender downloads first, and then sends; in place of `files`.
        download: At<Many<At<DownloadEntry>>>,
        /// The UDP port; default 5005.
        port: Written<Port>,
        /// "limited" (255.255.255.255, the default) or "subnet" (the subnet's own).
        address: Written<BroadcastAddress>,
        /// How files are laid into datagrams: "reliable" (default), "datagram" (a file a datagram), "byte" (a
        /// byte a datagram).
        framing: Written<Framing>,
        /// What a receiver's buffer holds; a longer datagram is cut. Default: "54272B" for the framing
        /// "datagram", "1KiB" for "byte", as in the original labs; "reliable" has none.
        buffer: Written<ByteSize>,
        /// How the sender's work is spread, each file a task: "single-thread", "multi-thread",
        /// "multi-thread-async", "multi-process", "multi-process-async". Default: one thread sends all, and
        /// with the framing "reliable" in one session.
        model: Written<Model>,
        /// The most processes at once under the models of processes; default 20.
        processes: Written<Count>,
        /// The threads that tasks share under "multi-thread-async"; default 4.
        workers: Written<Count>,
        /// How long a file's task may take; default "10s".
        deadline: Written<Time>,
        /// How long each task rests after its file, as if it had more to do; default "0s".
        pause: Written<Time>,
        /// What others have reported for each model, to be shown beside the time here:
        /// { multi-thread = "133ms" }.
        published: Named<Written<Time>>,
    }
}

scenario_table! {
    /// Files from one node to as many others, one to each, by UDP unicast.
    #[schemars(rename = "Split", transform = sends)]
    SplitEntry {
        /// The sender.
        from: Written<NodeName>,
        /// The receivers, the first for the first file; the name of a node with `count` stands for all of
        /// them.
        to: At<Many<Written<NodeName>>>,
        /// The files, on this machine.
        files: At<Many<Written<Filled>>>,
        /// What the sender downloads first, and then sends; in place of `files`.
        download: At<Many<At<DownloadEntry>>>,
        /// The UDP port; default 5050.
        port: Written<Port>,
        /// How files are laid into datagrams: "reliable" (default), "datagram" (a file a datagram), "byte" (a
        /// byte a datagram).
        framing: Written<Framing>,
        /// What a receiver's buffer holds; a longer datagram is cut. Default: "54272B" for the framing
        /// "datagram", "1KiB" for "byte", as in the original labs; "reliable" has none.
        buffer: Written<ByteSize>,
        /// How the sender's work is spread, each file a task: "single-thread", "multi-thread",
        /// "multi-thread-async", "multi-process", "multi-process-async". Default: one thread sends all, and
        /// with the framing "reliable" in one session.
        model: Written<Model>,
        /// The most processes at once under the models of processes; default 20.
        processes: Written<Count>,
        /// The threads that tasks share under "multi-thread-async"; default 4.
        workers: Written<Count>,
        /// How long a file's task may take; default "10s".
        deadline: Written<Time>,
        /// How long each task rests after its file, as if it had more to do; default "0s".
        pause: Written<Time>,
        /// What others have reported for each model, to be shown beside the time here:
        /// { multi-thread = "133ms" }.
        published: Named<Written<Time>>,
    }
}

/// A file that the sender fetches over HTTP: from a node of the lab, or by a URL.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Download", transform = one_source)]
pub(in crate::topology) struct DownloadEntry {
    /// The file's name without its ending, which its type calls for: "kompas".
    pub(in crate::topology) key: Written<FileName>,
    /// The node that serves it, on port 80.
    pub(in crate::topology) from: Written<NodeName>,
    /// The file that the node serves, on this machine: a PNG, JPEG, GIF, ZIP or MOV.
    pub(in crate::topology) file: Written<Filled>,
    /// Where else it is, as in `http://web/kompas`.
    pub(in crate::topology) url: Written<Filled>,
}

/// The keys of a broadcast or split that say what is sent, and how.
#[derive(Debug, Clone, Copy)]
pub(in crate::topology) struct TransferKeys<'a> {
    pub(in crate::topology) from: &'a Written<NodeName>,
    pub(in crate::topology) to: &'a At<Many<Written<NodeName>>>,
    pub(in crate::topology) files: &'a At<Many<Written<Filled>>>,
    pub(in crate::topology) download: &'a At<Many<At<DownloadEntry>>>,
    pub(in crate::topology) port: &'a Written<Port>,
    pub(in crate::topology) framing: &'a Written<Framing>,
    pub(in crate::topology) buffer: &'a Written<ByteSize>,
    pub(in crate::topology) model: &'a Written<Model>,
    pub(in crate::topology) processes: &'a Written<Count>,
    pub(in crate::topology) workers: &'a Written<Count>,
    pub(in crate::topology) deadline: &'a Written<Time>,
    pub(in crate::topology) pause: &'a Written<Time>,
    pub(in crate::topology) published: &'a Named<Written<Time>>,
}

macro_rules! transfer_keys {
    ($entry:ty) => {
        impl $entry {
            /// What is sent, and how.
            pub(in crate::topology) fn keys(&self) -> TransferKeys<'_> {
                TransferKeys {
                    from: &self.from,
                    to: &self.to,
                    files: &self.files,
                    download: &self.download,
                    port: &self.port,
                    framing: &self.framing,
                    buffer: &self.buffer,
                    model: &self.model,
                    processes: &self.processes,
                    workers: &self.workers,
                    deadline: &self.deadline,
                    pause: &self.pause,
                    published: &self.published,
                }
            }
        }
    };
}

transfer_keys!(BroadcastEntry);
transfer_keys!(SplitEntry);

fn sends(schema: &mut Schema) {
    let what = ["files", "download"].map(|key| serde_json::json!({ "required": [key] }));
    schema.insert(
        "required".to_owned(),
        serde_json::json!(["name", "from", "to"]),
    );
    schema.insert("oneOf".to_owned(), serde_json::json!(what));
}

fn one_source(schema: &mut Schema) {
    let sources = [["from", "file"].as_slice(), &["url"]];
    let sources = sources.map(|keys| serde_json::json!({ "required": keys }));
    schema.insert("required".to_owned(), serde_json::json!(["key"]));
    schema.insert("oneOf".to_owned(), serde_json::json!(sources));
}
