//! The report of a server on itself.

use std::collections::BTreeMap;

use protocol::name::FileName;
use protocol::role::RoleEvent;
use protocol::stress::{ServerRecord, StoredFile, WorkerLoss};

use crate::control::Collected;

/// The report of a server on itself. A program of the user's makes no report that is understood.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Served {
    /// The built-in server's record of its life; none if it did not end in good order.
    pub record: Option<ServerRecord>,
    /// The content stored last under each name, where the server was to report it.
    pub stored: BTreeMap<FileName, StoredFile>,
    /// Workers that died.
    pub losses: Vec<WorkerLoss>,
    /// Why it could not serve.
    pub failure: Option<String>,
}

impl Served {
    /// Reads the lines that the built-in server printed.
    pub fn of(printed: &Collected) -> Self {
        let mut served = Self::default();
        for line in printed.stdout.split(|&byte| byte == b'\n') {
            match serde_json::from_slice(line) {
                Ok(RoleEvent::Served(record)) => served.record = Some(record),
                Ok(RoleEvent::WorkerLost(loss)) => served.losses.push(loss),
                Ok(RoleEvent::Failed { reason }) => served.failure = Some(reason),
                Ok(RoleEvent::Stored(file)) => {
                    served.stored.insert(file.name.clone(), file);
                }
                Ok(_) | Err(_) => {}
            }
        }
        served
    }
}

#[cfg(test)]
mod tests {
    use protocol::control::Exit;

    use super::*;

    #[test]
    fn what_was_stored_last_counts_and_other_lines_do_not() {
        let stored = |bytes, blake3: &str| {
            format!(
                "{{\"event\":\"stored\",\"name\":\"a\",\"bytes\":{bytes},\"blake3\":\"{blake3}\"}}\n"
            )
        };
        let lost =
            "{\"event\":\"worker-lost\",\"worker\":3,\"reason\":\"signal 9\",\"serving\":true}\n";
        let text = [&stored(1, "x"), "noise\n", lost, &stored(2, "y")].concat();
        let served = Served::of(&Collected {
            stdout: text.into_bytes(),
            stderr: Vec::new(),
            dropped: 0,
            exit: Exit::Code(0),
        });
        let file = &served.stored[&"a".parse().unwrap()];
        assert_eq!((file.bytes, file.blake3.as_str()), (2, "y"));
        assert_eq!(served.losses[0].worker, 3);
        assert_eq!((served.record, served.failure), (None, None));
    }
}
