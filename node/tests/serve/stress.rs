//! The stress clients, with our server at the other end.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;

use protocol::role::RoleEvent;
use protocol::stress::{ClientRecord, FileDigest, Operation, StressRecord, Workers};

use crate::server::Server;

/// What a role of ours prints, and whether it ended well.
pub(crate) fn role(arguments: &[&str]) -> (Vec<RoleEvent>, bool) {
    let output = Command::new(env!("CARGO_BIN_EXE_node"))
        .args(arguments)
        .output()
        .unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let event = |line| serde_json::from_str(line).expect("every line is an event");
    (lines.lines().map(event).collect(), output.status.success())
}

/// What stress clients did.
pub(crate) struct Stressed {
    pub(crate) clients: Vec<ClientRecord>,
    pub(crate) record: StressRecord,
}

pub(crate) fn stress(server: &str, operation: Operation, more: &[&str]) -> Stressed {
    let words = [
        "stress",
        "--server",
        server,
        "--operation",
        operation.word(),
    ];
    let (events, well) = role(&[&words, more].concat());
    assert!(well, "{events:?}");
    let mut clients = Vec::new();
    let mut events = events.into_iter();
    assert_eq!(events.next(), Some(RoleEvent::Ready));
    loop {
        match events.next() {
            Some(RoleEvent::Client(client)) => clients.push(client),
            Some(RoleEvent::Stressed(record)) => {
                assert_eq!(events.next(), None);
                clients.sort_by_key(|client| client.client);
                return Stressed { clients, record };
            }
            other => panic!("it printed {other:?}"),
        }
    }
}

/// Digests of files where they lie.
pub(crate) fn digests(directory: &std::path::Path, names: &[&str]) -> Vec<FileDigest> {
    let directory = directory.display().to_string();
    let words = ["digest", "--directory", &directory];
    let (events, well) = role(&[&words, names].concat());
    assert!(well, "{events:?}");
    let digest = |event| match event {
        RoleEvent::Digest(digest) => digest,
        other => panic!("it printed {other:?}"),
    };
    let mut digests: Vec<_> = events.into_iter().map(digest).collect();
    digests.sort_by(|one, other| one.name.cmp(&other.name));
    digests
}

#[test]
fn every_byte_is_proved_under_all_models_of_clients_and_server() {
    for model in Workers::ALL {
        let server = Server::start(model, 3, &[]);
        for clients in Workers::ALL {
            let more = ["--model", clients.word(), "--workers", "6", "--seed", "9"];
            let size = ["--size", "1000001", "--prefix", clients.word()];
            let more = [&more[..], &size].concat();
            let up = stress(server.address(), Operation::Upload, &more);
            assert_eq!((up.record.ok, up.record.failed), (6, 0), "{:?}", up.record);
            let names: Vec<String> = (0..6).map(|n| format!("{clients}-{n}.bin")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let stored = digests(&server.path(""), &names);
            for (client, stored) in up.clients.iter().zip(&stored) {
                assert_eq!(
                    (&client.name, &client.blake3),
                    (&stored.name, &stored.blake3)
                );
                assert_eq!((client.bytes, stored.bytes), (1_000_001, 1_000_001));
            }
            assert_ne!(stored[0].blake3, stored[1].blake3);
            let directory = server.path("").display().to_string();
            let file = format!("{clients}.bin");
            let fill = [
                "fill",
                "--directory",
                &directory,
                "--seed",
                "9",
                "--size",
                "1000001",
                &file,
            ];
            let (events, _) = role(&fill);
            let [RoleEvent::Digest(made)] = &events[..] else {
                panic!("it printed {events:?}");
            };
            let down = stress(server.address(), Operation::Download, &more);
            assert_eq!(
                (down.record.ok, down.record.failed),
                (6, 0),
                "{:?}",
                down.record
            );
            assert!(
                down.clients
                    .iter()
                    .all(|client| client.blake3 == made.blake3)
            );
            let times = down.record.times;
            assert!(0.0 < times.least && times.least <= times.p50 && times.p50 <= times.most);
            assert!(times.most <= down.record.seconds);
        }
        let ended = server.end();
        // What the server says of what it wrote is what lies there.
        assert_eq!(ended.stored.len(), 18);
        assert_eq!(
            (ended.record.stored, ended.record.sent),
            (18 * 1_000_001, 18 * 1_000_001)
        );
        assert!(ended.record.most_served <= 3);
    }
}

#[test]
fn what_fails_is_counted_with_its_reason() {
    let server = Server::start(Workers::Thread, 2, &["--max-file", "100KiB"]);
    let more = ["--workers", "3", "--size", "200000", "--seed", "1"];
    for model in Workers::ALL {
        let more = [&more[..], &["--model", model.word()]].concat();
        let up = stress(server.address(), Operation::Upload, &more).record;
        let reason = "the server said: the content is longer than 102400 bytes";
        assert_eq!((up.failed, up.reasons.get(reason)), (3, Some(&3)), "{up:?}");
        let absent = stress(server.address(), Operation::Download, &more).record;
        let reason = "the server said: stress.bin does not exist";
        assert_eq!(absent.reasons.get(reason), Some(&3), "{absent:?}");
        assert!(absent.throughput.abs() < f64::EPSILON);
    }
    // One byte is other than it should be.
    let directory = server.path("").display().to_string();
    role(&[
        "fill",
        "--directory",
        &directory,
        "--size",
        "200000",
        "--seed",
        "1",
        "stress.bin",
    ]);
    let mut content = std::fs::read(server.path("stress.bin")).unwrap();
    content[123_456] ^= 1;
    std::fs::write(server.path("stress.bin"), &content).unwrap();
    let wrong = stress(server.address(), Operation::Download, &more).record;
    let reason = "the content is not what was asked for";
    assert_eq!(wrong.reasons.get(reason), Some(&3), "{wrong:?}");
    let address = server.address().to_owned();
    server.end();
    let gone = stress(&address, Operation::Download, &more).record;
    let reason = "cannot connect: connection refused";
    assert_eq!(gone.reasons.get(reason), Some(&3), "{gone:?}");
}

#[test]
fn a_file_that_cannot_be_hashed_is_named() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("there"), b"").unwrap();
    let directory = home.path().display().to_string();
    let (events, well) = role(&["digest", "--directory", &directory, "absent", "there"]);
    assert!(!well);
    let failed = |event: &RoleEvent| matches!(event, RoleEvent::Failed { reason } if reason.contains("absent"));
    let read = |event: &RoleEvent| matches!(event, RoleEvent::Digest(digest) if digest.bytes == 0);
    assert!(
        events.iter().any(failed) && events.iter().any(read),
        "{events:?}"
    );
}

#[test]
fn a_folder_is_made_and_files_are_removed_that_are_there_or_not() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("deep/files");
    let directory = folder.display().to_string();
    let (events, well) = role(&["fill", "--directory", &directory]);
    assert!(well && events.is_empty() && folder.is_dir(), "{events:?}");
    for name in ["kept", "gone"] {
        std::fs::write(folder.join(name), b"x").unwrap();
    }
    let (events, well) = role(&["discard", "--directory", &directory, "gone", "absent"]);
    assert!(well && events.is_empty(), "{events:?}");
    assert!(folder.join("kept").exists() && !folder.join("gone").exists());
    std::fs::create_dir(folder.join("folder")).unwrap();
    let (events, well) = role(&["discard", "--directory", &directory, "folder", "kept"]);
    let failed = |event: &RoleEvent| matches!(event, RoleEvent::Failed { reason } if reason.contains("folder"));
    assert!(!well && events.iter().any(failed), "{events:?}");
    assert!(!folder.join("kept").exists());
}

/// A server of one's own that says more than it was asked.
#[test]
fn a_reply_that_comes_twice_is_found() {
    const REPLY: &[u8] = b"{\"status\": \"OK\", \"data\": \"stored\"}\r\n\r\n";
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = std::thread::spawn(move || {
        for _ in Workers::ALL {
            let (mut connection, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n") {
                connection.read_exact(&mut byte).unwrap();
                request.push(byte[0]);
            }
            connection.write_all(REPLY).unwrap();
            // The second comes only once the client has seen the first and ended its side.
            assert_eq!(connection.read(&mut byte).unwrap(), 0);
            connection.write_all(REPLY).unwrap();
        }
    });
    for model in Workers::ALL {
        let more = ["--model", model.word(), "--workers", "1", "--size", "10"];
        let record = stress(&address, Operation::Upload, &more).record;
        let reasons: Vec<&str> = record.reasons.keys().map(String::as_str).collect();
        assert_eq!(reasons, ["more came after the reply"], "{model}");
    }
    server.join().unwrap();
}
