//! Waiting for ports and files.

use std::net::{TcpListener, UdpSocket};

use protocol::control::{Condition, FailureKind, Reply, Request, Transport};

use crate::client::Agent;

fn port(transport: Transport, port: u16) -> Request {
    let condition = Condition::Port { transport, port };
    Request::Await {
        condition,
        within_ms: 60_000,
    }
}

fn file(path: &str, within_ms: u64) -> Request {
    let condition = Condition::File {
        path: path.to_owned(),
    };
    Request::Await {
        condition,
        within_ms,
    }
}

#[test]
fn a_port_is_waited_for() {
    let agent = Agent::start();
    let mut client = agent.connect();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let tcp_port = tcp.local_addr().unwrap().port();
    assert_eq!(client.ask(port(Transport::Tcp, tcp_port)), Ok(Reply::Done));
    let udp = UdpSocket::bind("[::1]:0").unwrap();
    let udp_port = udp.local_addr().unwrap().port();
    assert_eq!(client.ask(port(Transport::Udp, udp_port)), Ok(Reply::Done));

    drop(tcp);
    let early = client.request(port(Transport::Tcp, tcp_port));
    // Answered after the wait has begun.
    client.ask(Request::Status).unwrap();
    let _tcp = TcpListener::bind(("127.0.0.1", tcp_port)).unwrap();
    assert_eq!(client.reply(early), Ok(Reply::Done));
}

#[test]
fn a_port_is_waited_for_that_shall_be_free() {
    let agent = Agent::start();
    let mut client = agent.connect();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = tcp.local_addr().unwrap().port();
    let free = |within_ms| Request::Await {
        condition: Condition::FreePort {
            transport: Transport::Tcp,
            port,
        },
        within_ms,
    };
    let failure = client.ask(free(1)).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Deadline);
    assert!(
        failure
            .message
            .contains(&format!("TCP port {port} was not free")),
        "{failure:?}"
    );
    let early = client.request(free(60_000));
    // Answered after the wait has begun.
    client.ask(Request::Status).unwrap();
    drop(tcp);
    assert_eq!(client.reply(early), Ok(Reply::Done));
}

#[test]
fn a_file_is_waited_for_in_folders_that_are_not_there_yet() {
    let agent = Agent::start();
    let mut client = agent.connect();
    let path = agent.path("a/b/c");
    std::fs::write(agent.path("there"), "").unwrap();
    assert_eq!(
        client.ask(file(&agent.path("there"), 60_000)),
        Ok(Reply::Done)
    );
    for _ in 0..50 {
        let id = client.request(file(&path, 60_000));
        std::fs::create_dir_all(agent.path("a/b")).unwrap();
        std::fs::write(agent.path("a/b/x"), "").unwrap();
        std::fs::rename(agent.path("a/b/x"), &path).unwrap();
        assert_eq!(client.reply(id), Ok(Reply::Done));
        std::fs::remove_dir_all(agent.path("a")).unwrap();
    }
}

#[test]
fn a_wait_in_vain_names_what_it_waited_for() {
    let agent = Agent::start();
    let mut client = agent.connect();
    let path = agent.path("never");
    let failure = client.ask(file(&path, 20)).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Deadline);
    assert!(failure.message.contains(&path), "{failure}");
    let unused = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let condition = Condition::Port {
        transport: Transport::Tcp,
        port: unused,
    };
    let failure = client
        .ask(Request::Await {
            condition,
            within_ms: 20,
        })
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::Deadline);
    assert!(failure.message.contains(&unused.to_string()), "{failure}");
}
