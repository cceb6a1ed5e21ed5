//! Which clients did it, and why others did not.

use std::collections::{BTreeMap, BTreeSet};

use protocol::name::FileName;
use protocol::stress::{ClientRecord, Times};

use crate::report::model::{Finding, Outcome, StressReport};
use crate::topology::model::{Operation, Stress};

use super::storage::StoredAtServer;

/// A client that failed, and why.
type Failure = (u32, String);

/// The evidence by which clients are judged.
#[derive(Debug)]
pub struct Evidence {
    /// The record of each client that came to its end.
    pub records: Vec<ClientRecord>,
    /// The server's copies of uploads.
    pub held: BTreeMap<FileName, StoredAtServer>,
    /// Seconds until the last client had ended.
    pub seconds: f64,
    /// Bytes that a client read or wrote at once.
    pub buffer: u64,
}

/// Counts the clients that did it, each byte verified, and says of the others why not.
pub fn judge(stress: &Stress, evidence: &Evidence) -> (StressReport, Vec<Finding>) {
    let mut failures: Vec<Failure> = Vec::new();
    let mut findings = Vec::new();
    let mut seconds = Vec::new();
    for record in &evidence.records {
        match failure(stress, record, &evidence.held) {
            Some((reason, details)) => {
                failures.push((record.client, reason));
                findings.extend(details.map(|text| finding(&stress.server.node, text)));
            }
            None => seconds.push(record.seconds),
        }
    }
    let told: BTreeSet<u32> = evidence
        .records
        .iter()
        .map(|record| record.client)
        .collect();
    let silent = (0..stress.clients.workers).filter(|client| !told.contains(client));
    failures.extend(silent.map(|client| (client, "it did not come to its end".to_owned())));
    let ok = u32::try_from(seconds.len()).unwrap_or(u32::MAX);
    let mut reasons: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for (client, reason) in failures {
        reasons.entry(reason).or_default().push(client);
    }
    findings.extend(reasons.iter().map(|(reason, clients)| {
        let text = format!("{} failed: {reason}", named(clients));
        finding(&stress.clients.node, text)
    }));
    let reasons = reasons.into_iter();
    let reasons =
        reasons.map(|(reason, clients)| (reason, clients.len().try_into().unwrap_or(u32::MAX)));
    let figures = report(stress, evidence, seconds, ok);
    (
        StressReport {
            reasons: reasons.collect(),
            ..figures
        },
        findings,
    )
}

/// Returns the figures of a cell in which no client could begin, for this reason.
pub fn unserved(stress: &Stress, reason: &str) -> StressReport {
    let nothing = Evidence {
        records: Vec::new(),
        held: BTreeMap::new(),
        seconds: 0.0,
        buffer: 0,
    };
    StressReport {
        reasons: BTreeMap::from([(reason.to_owned(), stress.clients.workers)]),
        ..report(stress, &nothing, Vec::new(), 0)
    }
}

#[expect(clippy::cast_precision_loss, reason = "bytes for a mean")]
fn report(stress: &Stress, evidence: &Evidence, seconds: Vec<f64>, ok: u32) -> StressReport {
    let (server, size) = (&stress.server.program, stress.size.0 as f64);
    let each: f64 = seconds.iter().map(|seconds| size / seconds).sum();
    let rate = |bytes: f64, by: f64| if by > 0.0 { bytes / by } else { 0.0 };
    StressReport {
        operation: stress.operation.to_string(),
        size: stress.size.0,
        client_workers: stress.clients.workers,
        server_workers: server.workers(),
        client_model: stress.clients.model.to_string(),
        server_model: server.model().map(|model| model.to_string()),
        times: Times::of(seconds),
        seconds: evidence.seconds,
        client_bytes_per_s: rate(each, f64::from(ok)),
        all_bytes_per_s: rate(size * f64::from(ok), evidence.seconds),
        verified_bytes: stress.size.0 * u64::from(ok),
        clients_ok: ok,
        clients_failed: stress.clients.workers.saturating_sub(ok),
        reasons: BTreeMap::new(),
        server_workers_ok: None,
        server_workers_failed: None,
        buffer: evidence.buffer,
        published: None,
    }
}

/// Why a client failed, if it did, as briefly as reasons are counted by, and then in full. What a
/// client fetched it has compared itself with what was made for it.
fn failure(
    stress: &Stress,
    record: &ClientRecord,
    held: &BTreeMap<FileName, StoredAtServer>,
) -> Option<(String, Option<String>)> {
    if let Some(reason) = &record.failure {
        return Some((reason.clone(), None));
    }
    if stress.operation == Operation::Download {
        return None;
    }
    let (name, server) = (&record.name, &stress.server.node);
    let Some(there) = held.get(name) else {
        let details = format!("{name} of client {} is not at {server}", record.client);
        return Some(("the server has not stored it".to_owned(), Some(details)));
    };
    if (there.bytes, &there.blake3) == (record.bytes, &record.blake3) {
        return None;
    }
    let details = format!(
        "{name} at {server} is not what client {} sent: {} bytes with BLAKE3 {} in place of {} with {}",
        record.client, there.bytes, there.blake3, record.bytes, record.blake3,
    );
    let reason = "what the server stored is not what was sent".to_owned();
    Some((reason, Some(details)))
}

/// `client 3`, `clients 1, 2 and 7`, `clients 0, 1, 2 and 47 more`.
fn named(clients: &[u32]) -> String {
    let mut numbers: Vec<u32> = clients.to_vec();
    numbers.sort_unstable();
    let words: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    match words.as_slice() {
        [] => "no client".to_owned(),
        [one] => format!("client {one}"),
        [first @ .., last] if words.len() <= NAMED + 1 => {
            format!("clients {} and {last}", first.join(", "))
        }
        all => {
            let (first, rest) = all.split_at(NAMED);
            format!("clients {} and {} more", first.join(", "), rest.len())
        }
    }
}

fn finding(node: &protocol::name::NodeName, text: String) -> Finding {
    Finding {
        outcome: Outcome::Failed,
        node: Some(node.to_string()),
        text,
    }
}

/// Clients that are named one by one.
const NAMED: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::model::{Clients, Server, ServerProgram, Service, Workers};
    use protocol::unit::ByteSize;

    fn stress(operation: Operation, clients: u32) -> Stress {
        Stress {
            server: Server {
                node: "server".parse().unwrap(),
                port: 45_000,
                directory: "/files".to_owned(),
                program: ServerProgram::BuiltIn {
                    service: Service::default(),
                    model: Workers::Thread,
                    workers: 5,
                },
            },
            clients: Clients {
                node: "client".parse().unwrap(),
                model: Workers::Async,
                workers: clients,
            },
            operation,
            size: ByteSize(1000),
            published: None,
        }
    }

    fn record(client: u32, seconds: f64, failure: Option<&str>) -> ClientRecord {
        ClientRecord {
            client,
            name: format!("stress-{client}.bin").parse().unwrap(),
            bytes: 1000,
            blake3: format!("hash {client}"),
            seconds,
            failure: failure.map(str::to_owned),
        }
    }

    fn held(client: u32, blake3: &str) -> (FileName, StoredAtServer) {
        let name = format!("stress-{client}.bin").parse().unwrap();
        let blake3 = blake3.to_owned();
        (
            name,
            StoredAtServer {
                bytes: 1000,
                blake3,
            },
        )
    }

    #[test]
    fn only_clients_whose_bytes_are_there_did_it() {
        let evidence = Evidence {
            records: vec![
                record(0, 1.0, None),
                record(1, 2.0, Some("refused")),
                record(2, 3.0, None),
                record(3, 0.5, None),
            ],
            held: [held(0, "hash 0"), held(3, "hash 4")].into(),
            seconds: 4.0,
            buffer: 1,
        };
        let (figures, findings) = judge(&stress(Operation::Upload, 6), &evidence);
        assert_eq!((figures.clients_ok, figures.clients_failed), (1, 5));
        assert!((figures.times.mean - 1.0).abs() < 1e-9);
        assert!((figures.client_bytes_per_s - 1000.0).abs() < 1e-9);
        assert!((figures.all_bytes_per_s - 250.0).abs() < 1e-9);
        assert_eq!(figures.verified_bytes, 1000);
        let texts: Vec<_> = findings.iter().map(|f| f.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "stress-2.bin of client 2 is not at server",
                "stress-3.bin at server is not what client 3 sent: 1000 bytes with BLAKE3 hash 4 \
                 in place of 1000 with hash 3",
                "clients 4 and 5 failed: it did not come to its end",
                "client 1 failed: refused",
                "client 2 failed: the server has not stored it",
                "client 3 failed: what the server stored is not what was sent",
            ]
        );
        assert_eq!(figures.reasons["it did not come to its end"], 2);
    }

    #[test]
    fn a_download_is_judged_by_its_client() {
        let evidence = Evidence {
            records: vec![record(0, 1.0, None), record(1, 3.0, None)],
            held: BTreeMap::new(),
            seconds: 3.0,
            buffer: 1,
        };
        let (figures, findings) = judge(&stress(Operation::Download, 2), &evidence);
        assert_eq!((figures.clients_ok, figures.clients_failed), (2, 0));
        assert!(findings.is_empty() && figures.reasons.is_empty());
    }

    #[test]
    fn many_clients_are_counted() {
        assert_eq!(named(&[7]), "client 7");
        assert_eq!(named(&[2, 1]), "clients 1 and 2");
        assert_eq!(named(&[3, 2, 1, 0]), "clients 0, 1, 2 and 3");
        assert_eq!(named(&[4, 3, 2, 1, 0]), "clients 0, 1, 2 and 2 more");
    }
}
