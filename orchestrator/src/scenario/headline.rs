//! Scenarios in words.

use crate::number::counted;
use crate::topology::model::{Files, Transfer, Work};

use super::context::base_name;

/// The kind of a scenario, as files have it.
pub fn kind(work: &Work) -> &'static str {
    match work {
        Work::Broadcast(..) => "broadcast",
        Work::Split(_) => "split",
        Work::Steps(_) => "steps",
        Work::Stress(_) => "stress",
        Work::Conversation(_) => "file-server",
    }
}

/// Describes the purpose of a scenario, in a line.
pub fn headline(work: &Work) -> String {
    match work {
        Work::Broadcast(transfer, _) => {
            let receivers = counted(transfer.to.len() as u64, "node");
            format!("{} from {} to {receivers}", names(transfer), transfer.from)
        }
        Work::Split(transfer) => {
            let to: Vec<_> = transfer.to.iter().map(ToString::to_string).collect();
            let (names, from) = (names(transfer), &transfer.from);
            format!("{names} from {from} to {}, one to each", to.join(", "))
        }
        Work::Steps(steps) => counted(steps.len() as u64, "step"),
        Work::Stress(stress) => {
            let (clients, server) = (&stress.clients.node, &stress.server);
            format!("clients on {clients} at {}:{}", server.node, server.port)
        }
        Work::Conversation(conversation) => {
            let commands = counted(conversation.commands.len() as u64, "command");
            let (client, server) = (&conversation.client, &conversation.server.node);
            format!("{commands} from {client} to {server}")
        }
    }
}

/// Describes the files to send, in words.
fn names(transfer: &Transfer) -> String {
    let names: Vec<_> = match &transfer.files {
        Files::Here(files) => files.iter().map(|file| base_name(file)).collect(),
        Files::Downloaded(files) => files.iter().map(|file| file.key.to_string()).collect(),
    };
    names.join(", ")
}
