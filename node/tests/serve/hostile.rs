//! Clients that do not behave. After each, the server serves others.

use std::io::{Read, Write};
use std::net::TcpStream;

use protocol::stress::Workers;

use crate::client::Client;
use crate::server::{Server, peak_memory};

/// Long enough for a client that does what it can on a busy machine.
const IDLE: [&str; 2] = ["--idle", "3s"];

/// Under every model, at the same time.
fn under_each_model(test: impl Fn(Workers) + Sync) {
    std::thread::scope(|scope| {
        for model in Workers::ALL {
            let test = &test;
            scope.spawn(move || test(model));
        }
    });
}

/// Limits small enough to be reached soon.
const LIMITS: [&str; 4] = ["--max-file", "1MiB", "--max-line", "256"];

fn serves(server: &Server) {
    let mut client = server.client();
    assert!(client.store("after.bin", b"after").is_ok());
    assert_eq!(client.fetch("after.bin").unwrap(), b"after");
}

#[test]
fn a_line_without_end_is_refused() {
    for model in Workers::ALL {
        let server = Server::start(model, 1, &LIMITS);
        let mut client = server.client();
        client.say(&"x".repeat(300));
        client.say("\nLIST\n");
        assert!(client.hear().0.words().contains("longer than 256 bytes"));
        assert!(client.hear().0.is_ok());
        // One that never ends is lost in the end.
        let flood = vec![b'x'; 8 << 20];
        let mut writer = client.stream.try_clone().unwrap();
        let writing = std::thread::spawn(move || writer.write_all(&flood));
        assert!(client.hear().0.words().contains("longer than 256 bytes"));
        assert!(client.is_closed());
        // The server has stopped to read.
        drop(client);
        let _ = writing.join().unwrap();
        serves(&server);
        assert_eq!(
            server.end().record.connections_failed.values().sum::<u64>(),
            1
        );
    }
}

#[test]
fn an_upload_that_is_too_long_leaves_nothing() {
    for model in Workers::ALL {
        let server = Server::start(model, 1, &LIMITS);
        let mut client = server.client();
        let reply = client.store("big.bin", &vec![7; (1 << 20) + 1]);
        assert!(
            reply.words().contains("longer than 1048576 bytes"),
            "{reply:?}"
        );
        assert!(client.store("fits.bin", &vec![7; 1 << 20]).is_ok());
        // Ten gigabytes announced: the server hangs up long before.
        client.say("UPLOAD huge.bin ");
        let text = vec![b'A'; 1 << 20];
        let mut sent: u64 = 0;
        let broken = loop {
            match client.stream.write_all(&text) {
                Ok(()) => sent += text.len() as u64,
                Err(error) => break error,
            }
            assert!(sent < 10 << 30, "the server takes it all");
        };
        assert!(sent < 100 << 20, "{sent} bytes were taken: {broken}");
        serves(&server);
        assert_eq!(server.names(), ["after.bin", "fits.bin"]);
    }
}

#[test]
fn what_is_no_base64_is_refused_and_leaves_nothing() {
    let server = Server::start(Workers::Thread, 1, &LIMITS);
    let mut client = server.client();
    for content in [
        "Zm9v*",
        "Zm9",
        "Zg==Zg==",
        "Z===",
        "Zm9v\tZm9v",
        "\u{1f600}",
    ] {
        let reply = client.ask(&format!("UPLOAD a.bin {content}\r\n"));
        assert!(reply.words().contains("not base64"), "{content}: {reply:?}");
    }
    assert!(
        client
            .ask("UPLOAD a.bin\r\n")
            .words()
            .contains("must follow the name")
    );
    assert!(client.ask("UPLOAD\r\n").words().contains("UPLOAD what?"));
    assert!(server.names().is_empty());
    drop(client);
    serves(&server);
}

#[test]
fn half_an_upload_and_silence_leave_nothing() {
    under_each_model(|model| {
        let server = Server::start(model, 1, &IDLE);
        let mut client = server.client();
        client.say("UPLOAD half.bin Zm9vZm9v");
        let reply = client.hear().0;
        assert!(reply.words().contains("no progress for 3s"), "{reply:?}");
        assert!(client.is_closed());
        // And so does half an upload and an end.
        let mut client = server.client();
        client.say("UPLOAD half.bin Zm9v");
        client.end();
        assert!(client.is_closed());
        serves(&server);
        assert_eq!(server.names(), ["after.bin"]);
        let broken = server.end().record.connections_failed;
        assert_eq!(broken.len(), 2, "{broken:?}");
    });
}

#[test]
fn a_client_that_never_reads_is_left() {
    under_each_model(|model| {
        let server = Server::start(model, 1, &IDLE);
        let content = vec![3; 20 << 20];
        assert!(server.client().store("big.bin", &content).is_ok());
        let mut deaf = server.client();
        deaf.say("GET big.bin\n");
        serves(&server);
        // What it has not read is cut off.
        assert!(deaf.try_hear().is_err());
        let failed = server.end().record.connections_failed;
        assert!(failed.contains_key("no progress for 3s"), "{failed:?}");
    });
}

#[test]
fn a_client_that_never_reads_is_left_no_later_than_one_that_never_writes() {
    under_each_model(|model| {
        let server = Server::start(model, 2, &IDLE);
        assert!(server.client().store("big.bin", &vec![3; 20 << 20]).is_ok());
        let mut deaf = server.client();
        deaf.say("GET big.bin\n");
        let mut mute = server.client();
        mute.say("UPLOAD half.bin Zm9v");
        // Both workers are busy. Once either is free, the next mute one has it, and the other is for
        // the third, which need not wait for the second's end.
        let mut second = server.client();
        second.say("UPLOAD half.bin Zm9v");
        let mut third = server.client();
        assert!(third.ask("LIST\n").is_ok());
        second.stream.set_nonblocking(true).unwrap();
        let heard = second.stream.peek(&mut [0]);
        assert!(heard.is_err(), "{model}: the one that never reads was kept");
    });
}

#[test]
fn a_line_must_be_whole_in_time() {
    for said in [&b"x"[..], b"\n"] {
        under_each_model(|model| {
            let server = Server::start(model, 1, &["--idle", "1s"]);
            let mut slow = server.client().stream;
            // A byte now and then, for ever.
            let writing = std::thread::spawn(move || {
                while slow.write_all(said).is_ok() {
                    std::thread::park_timeout(std::time::Duration::from_millis(50));
                }
            });
            serves(&server);
            writing.join().unwrap();
        });
    }
}

#[test]
fn a_content_must_come_faster_than_a_trickle() {
    under_each_model(|model| {
        let server = Server::start(model, 1, &["--idle", "1s"]);
        let mut slow = server.client().stream;
        slow.write_all(b"UPLOAD slow.bin ").unwrap();
        // Four bytes now and then, for ever.
        let writing = std::thread::spawn(move || {
            while slow.write_all(b"AAAA").is_ok() {
                std::thread::park_timeout(std::time::Duration::from_millis(50));
            }
        });
        serves(&server);
        writing.join().unwrap();
    });
}

#[test]
fn silent_clients_are_left_without_a_word() {
    let server = Server::start(Workers::Process, 2, &["--idle", "1s"]);
    let mut silent: Vec<Client> = (0..6).map(|_| server.client()).collect();
    serves(&server);
    assert!(silent.iter_mut().all(Client::is_closed));
    let record = server.end().record;
    assert_eq!(record.connections_ok, 7);
    assert!(record.connections_failed.is_empty());
}

#[test]
fn five_thousand_connections_are_served_or_refused() {
    plumbing::descriptor::raise_limit().unwrap();
    for model in Workers::ALL {
        let more = ["--connections", "64", "--idle", "10s"];
        let server = Server::start(model, 8, &more);
        // Each asks for something, and nobody reads before all are there.
        let connect = |_| {
            let mut stream = TcpStream::connect(server.address()).unwrap();
            // One that was refused already may be reset.
            let _ = stream.write_all(b"LIST\r\n");
            let _ = stream.shutdown(std::net::Shutdown::Write);
            stream
        };
        let all: Vec<TcpStream> = (0..5000).map(connect).collect();
        let mut answered = 0;
        for mut stream in all {
            let mut reply = String::new();
            // A refused one that was reset has no reply.
            if stream.read_to_string(&mut reply).is_ok() && reply.contains(r#""status": "OK""#) {
                answered += 1;
            }
        }
        serves(&server);
        let record = server.end().record;
        assert!(
            answered >= 64,
            "{model}: {answered} were answered, {record:?}"
        );
        assert_eq!(record.connections + record.refused, 5000 + 1, "{record:?}");
        assert!(
            record.most_waiting <= 64 && record.most_served <= 8,
            "{record:?}"
        );
    }
}

#[test]
fn memory_stays_small_however_long_files_are() {
    for model in [Workers::Thread, Workers::Async] {
        let server = Server::start(model, 8, &[]);
        let content = vec![9; 40 << 20];
        std::thread::scope(|scope| {
            for number in 0..8 {
                let (server, content) = (&server, &content);
                scope.spawn(move || {
                    let name = format!("{number}.bin");
                    let mut client = server.client();
                    assert!(client.store(&name, content).is_ok());
                    assert!(client.fetch(&name).unwrap() == *content);
                });
            }
        });
        let peak = peak_memory(server.process());
        // A megabyte a connection, and the program itself.
        assert!(peak < (8 + 24) << 10, "{model}: {peak} kB");
    }
}
