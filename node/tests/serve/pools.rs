//! Exactly so many at once, workers that die, and the end.

use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use protocol::role::RoleEvent;
use protocol::stress::Workers;
use socket2::{Domain, Socket, Type};

use crate::client::Client;
use crate::server::Server;

#[test]
fn so_many_are_served_at_once_and_the_others_wait() {
    for model in Workers::ALL {
        let server = Server::start(model, 3, &["--connections", "4"]);
        // Three that are served and say nothing more.
        let mut served: Vec<Client> = (0..3).map(|_| server.client()).collect();
        assert!(served.iter_mut().all(|client| client.ask("LIST\n").is_ok()));
        let mut waiting = server.client();
        waiting.say("LIST\n");
        waiting.stream.set_nonblocking(true).unwrap();
        // One too many is refused at once: so the one before it has been seen, and waits.
        assert!(
            server
                .client()
                .hear()
                .0
                .words()
                .contains("too many connections")
        );
        let mut byte = [0];
        let peeked = waiting.stream.peek(&mut byte).unwrap_err();
        assert_eq!(peeked.kind(), std::io::ErrorKind::WouldBlock, "{model}");
        waiting.stream.set_nonblocking(false).unwrap();
        drop(served.pop());
        assert!(waiting.hear().0.is_ok());
        drop((served, waiting));
        let record = server.end().record;
        assert_eq!((record.most_served, record.most_waiting), (3, 1), "{model}");
        assert_eq!(record.connections_ok, 4);
    }
}

/// A client that is let in earlier would wait for workers to start, and measure that.
#[test]
fn who_can_connect_finds_all_workers_at_work() {
    // Holds the port without listening, which keeps no other from listening there.
    let held = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    held.set_reuse_address(true).unwrap();
    held.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
        .unwrap();
    let address = held.local_addr().unwrap().as_socket().unwrap();
    let home = tempfile::tempdir().unwrap();
    let mut server = Command::new(env!("CARGO_BIN_EXE_node"))
        .args(["serve", "--address", "127.0.0.1", "--model", "process"])
        .args(["--workers", "40", "--port", &address.port().to_string()])
        .arg("--directory")
        .arg(home.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while TcpStream::connect(address).is_err() {
        assert!(server.try_wait().unwrap().is_none(), "it has ended");
    }
    let id = server.id();
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    assert_eq!(children.split_whitespace().count(), 40);
    server.kill().unwrap();
    server.wait().unwrap();
}

#[test]
fn a_process_that_dies_is_replaced_and_its_connection_fails_cleanly() {
    let mut server = Server::start(Workers::Process, 1, &[]);
    let mut client = server.client();
    assert!(client.ask("LIST\n").is_ok());
    client.say("UPLOAD half.bin Zm9v");
    let [worker] = server.workers()[..] else {
        panic!("it has another number of workers");
    };
    kill(worker, Signal::SIGKILL).unwrap();
    assert!(client.is_closed());
    let Some(RoleEvent::WorkerLost(loss)) = server.next_event() else {
        panic!("nothing is said of the loss");
    };
    assert!(loss.serving && loss.reason.contains("signal 9"), "{loss:?}");
    // The next one serves, and what the dead one left is gone.
    let mut client = server.client();
    assert!(client.store("whole.bin", b"whole").is_ok());
    assert_eq!(server.names(), ["whole.bin"]);
    // One that dies while it is idle is replaced too.
    drop(client);
    let idle = server.workers()[0];
    assert_ne!(idle, worker);
    kill(idle, Signal::SIGKILL).unwrap();
    loop {
        match server.next_event() {
            Some(RoleEvent::Stored(_)) => {}
            Some(RoleEvent::WorkerLost(_)) => break,
            other => panic!("it printed {other:?}"),
        }
    }
    assert_eq!(server.client().fetch("whole.bin").unwrap(), b"whole");
    let ended = server.end();
    assert!(ended.lost.is_empty());
    assert_eq!(
        (ended.record.workers_ok, ended.record.workers_failed),
        (1, 2)
    );
}

#[test]
fn a_process_that_cannot_be_replaced_at_once_is_replaced_later() {
    let mut server = Server::start(Workers::Process, 2, &[]);
    let mut client = server.client();
    assert!(client.ask("LIST\n").is_ok());
    // No further descriptor may be opened, and so no process started.
    server.limit_descriptors(4);
    for worker in server.workers() {
        kill(worker, Signal::SIGKILL).unwrap();
    }
    assert!(client.is_closed());
    for _ in 0..2 {
        let lost = server.next_event();
        assert!(matches!(lost, Some(RoleEvent::WorkerLost(_))), "{lost:?}");
    }
    // Who comes meanwhile is served once there is somebody to serve.
    let mut both = [server.client(), server.client()];
    server.limit_descriptors(200);
    assert!(both.iter_mut().all(|client| client.ask("LIST\n").is_ok()));
    drop(both);
    assert_eq!(server.end().record.workers_failed, 2);
}

#[test]
fn a_process_serves_the_directory_of_the_one_before_wherever_that_is() {
    let mut server = Server::start(Workers::Process, 1, &[]);
    let elsewhere = tempfile::tempdir().unwrap();
    let moved = elsewhere.path().join("moved");
    fs::rename(server.path(""), &moved).unwrap();
    kill(server.workers()[0], Signal::SIGKILL).unwrap();
    let lost = server.next_event();
    assert!(matches!(lost, Some(RoleEvent::WorkerLost(_))), "{lost:?}");
    assert!(server.client().store("a.bin", b"content").is_ok());
    assert_eq!(fs::read(moved.join("a.bin")).unwrap(), b"content");
    assert!(!server.path("").exists());
}

#[test]
fn clients_are_served_though_nobody_listens_to_the_server() {
    for model in Workers::ALL {
        let mut server = Server::start(model, 1, &[]);
        server.stop_listening();
        let mut client = server.client();
        for name in ["a.bin", "b.bin"] {
            assert!(client.store(name, b"content").is_ok(), "{model}");
        }
    }
}

#[test]
fn those_that_wait_leave_descriptors_to_those_that_are_served() {
    for model in Workers::ALL {
        let server = Server::start_with_few_descriptors(120, model, 2);
        let mut served = [server.client(), server.client()];
        assert!(served.iter_mut().all(|client| client.ask("LIST\n").is_ok()));
        let waiting: Vec<Client> = (0..150).map(|_| server.client()).collect();
        while server.descriptors() < 80 {
            std::thread::yield_now();
        }
        for client in &mut served {
            for _ in 0..50 {
                let stored = client.store("a.bin", b"content");
                assert!(stored.is_ok(), "{model}: {stored:?}");
                assert_eq!(client.fetch("a.bin").unwrap(), b"content");
            }
        }
        // Nor does a process that dies find none for its successor.
        if let [worker, ..] = server.workers()[..] {
            kill(worker, Signal::SIGKILL).unwrap();
        }
        drop(served);
        // In their turn all are served.
        for mut client in waiting {
            assert!(client.ask("LIST\n").is_ok(), "{model}");
        }
    }
}

#[test]
fn the_end_waits_for_what_was_begun_and_for_nothing_else() {
    for model in Workers::ALL {
        let mut server = Server::start(model, 2, &[]);
        let mut idle = server.client();
        assert!(idle.ask("LIST\n").is_ok());
        let mut busy = server.client();
        let said = Client::upload("begun.bin", &vec![5; 1_000_000]);
        let (first, rest) = said.split_at(700_000);
        busy.say("LIST\n");
        assert!(busy.hear().0.is_ok());
        busy.stream.write_all(first).unwrap();
        let mut waiting = server.client();
        waiting.say("LIST\n");
        // Its upload has been begun once there is something of it on the disk.
        while server.names().is_empty() {
            std::thread::yield_now();
        }
        server.signal(Signal::SIGTERM);
        assert!(idle.is_closed(), "{model}");
        let refused = waiting.try_hear();
        if let Ok((reply, _)) = refused {
            assert!(reply.words().contains("the server is ending"), "{reply:?}");
        }
        busy.stream.write_all(rest).unwrap();
        assert!(busy.hear().0.is_ok(), "{model}");
        assert!(busy.is_closed());
        let ended = server.ended();
        assert_eq!(ended.stored.len(), 1);
        assert_eq!(server.names(), ["begun.bin"]);
        assert!(
            ended.record.connections_failed.is_empty(),
            "{:?}",
            ended.record
        );
    }
}

#[test]
fn the_end_does_not_wait_for_ever() {
    for model in Workers::ALL {
        let mut server = Server::start(model, 1, &["--drain", "50ms"]);
        let mut busy = server.client();
        busy.say("UPLOAD begun.bin Zm9v");
        while server.names().is_empty() {
            std::thread::yield_now();
        }
        server.signal(Signal::SIGINT);
        let ended = server.ended();
        let failed = ended.record.connections_failed;
        assert_eq!(failed.get("the server ended"), Some(&1), "{failed:?}");
        assert!(busy.is_closed());
        assert!(server.names().is_empty(), "{model}: {:?}", server.names());
    }
}
