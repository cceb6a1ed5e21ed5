//! The tables of scenarios that send files.

use protocol::name::{FileName, NodeName};
use protocol::unit::{ByteSize, Time};
use schemars::{JsonSchema, Schema};
use serde::Deserialize;

use super::scenario::{FaultEntry, ScenarioKeys, scenario_table};
use super::table::table;
use super::word::{Count, ExpectWord, Filled, Flag, Port, Scalar};
use super::{At, Many, Named, Written};
use crate::topology::model::{BroadcastAddress, CaptureMode, Framing, Model};

/// A broadcast or split.
macro_rules! transfer_table {
    ($($table:tt)*) => { scenario_table! {
        $($table)*
        [TransferKeys transfer {
            /// The sender.
            from: Written<NodeName>,
            /// The receivers; the name of a node with `count` stands for all of them. In a split each has
            /// the file at its own place in the list.
            to: At<Many<Written<NodeName>>>,
            /// The files, on this machine.
            files: At<Many<Written<Filled>>>,
            /// The files that the sender downloads first, and then sends; in place of `files`.
            download: At<Many<At<DownloadEntry>>>,
            /// The UDP port; default 5005, of a split 5050.
            port: Written<Port>,
            /// The layout of files in datagrams: "reliable" (default), "datagram" (a file a datagram), "byte"
            /// (a byte a datagram).
            framing: Written<Framing>,
            /// The size of a receiver's buffer; a longer datagram is cut. Default: "54272B" for the framing
            /// "datagram", "1KiB" for "byte", as in the original labs; "reliable" has none.
            buffer: Written<ByteSize>,
            /// The concurrency model of the sender, each file a task: "single-thread", "multi-thread",
            /// "multi-thread-async", "multi-process", "multi-process-async". Default: one thread sends all,
            /// and with the framing "reliable" in one session.
            model: Written<Model>,
            /// The most processes at once under the models of processes; default 20.
            processes: Written<Count>,
            /// The threads that tasks share under "multi-thread-async"; default 4.
            workers: Written<Count>,
            /// The time limit of a file's task; default "10s".
            deadline: Written<Time>,
            /// The pause of each task after its file, as if it had more to do; default "0s".
            pause: Written<Time>,
            /// The times that others have published for each model, to be shown beside the time here: {
            /// multi-thread = "133ms" }.
            published: Named<Written<Time>>,
        }]
    } };
}

transfer_table! {}

transfer_table! {
    /// Files from one node to many by UDP broadcast.
    #[schemars(rename = "Broadcast", transform = sends)]
    BroadcastEntry {
        /// "limited" (255.255.255.255, the default) or "subnet" (the subnet's own).
        address: Written<BroadcastAddress>,
    }
}

transfer_table! {
    /// Files from one node to as many others, one to each, by UDP unicast.
    #[schemars(rename = "Split", transform = sends)]
    SplitEntry {}
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
    /// Where else it is, as in `http://web/kompas`; with https, the server's certificate must be signed by
    /// one of Mozilla's authorities, or by one in the file that the sender's `env.SSL_CERT_FILE` names.
    pub(in crate::topology) url: Written<Filled>,
    /// Whether a redirection may lead from https to http, where anybody on the way can change what comes;
    /// default false.
    pub(in crate::topology) downgrade: Written<Flag>,
}

fn sends(schema: &mut Schema) {
    let required = ["files", "download"].map(|key| serde_json::json!({ "required": [key] }));
    schema.insert(
        "required".to_owned(),
        serde_json::json!(["name", "from", "to"]),
    );
    schema.insert("oneOf".to_owned(), serde_json::json!(required));
}

fn one_source(schema: &mut Schema) {
    let sources = [["from", "file"].as_slice(), &["url"]];
    let sources = sources.map(|keys| serde_json::json!({ "required": keys }));
    schema.insert("required".to_owned(), serde_json::json!(["key"]));
    schema.insert("oneOf".to_owned(), serde_json::json!(sources));
}
