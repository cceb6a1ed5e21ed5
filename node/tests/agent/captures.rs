//! Captures over the control channel, in a network namespace of their own.

use std::net::UdpSocket;

use nix::sched::{CloneFlags, unshare};
use plumbing::netlink::{Batch, RouteSocket};
use protocol::control::{Capture, CaptureSummary, Event, FailureKind, Reply, Request};

use crate::client::{Agent, Client, Received};

/// Runs `work` on a thread in a new network namespace whose loopback is up. An agent started there
/// is in that namespace too.
fn in_own_network(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::spawn(|| {
        unshare(CloneFlags::CLONE_NEWNET).unwrap();
        let mut socket = RouteSocket::open().unwrap();
        let mut batch = Batch::new();
        for link in socket.links().unwrap() {
            batch.bring_up(link.index);
        }
        socket.carry_out(batch).unwrap();
        work();
    });
    thread.join().unwrap();
}

fn capture(client: &mut Client, interface: &str, limit: u64) -> Result<u32, FailureKind> {
    let channel = client.number();
    let capture = Capture {
        interface: interface.parse().unwrap(),
        snap_length: None,
        limit,
    };
    match client.ask(Request::Capture { channel, capture }) {
        Ok(Reply::Done) => Ok(channel),
        Ok(other) => panic!("{other:?}"),
        Err(failure) => Err(failure.kind),
    }
}

fn send_a_frame() {
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    sender.send_to(b"a word in passing", "127.0.0.1:9").unwrap();
}

/// The capture's bytes and its summary.
fn rest(client: &mut Client, channel: u32) -> (Vec<u8>, CaptureSummary) {
    let mut bytes = Vec::new();
    loop {
        match client.next_on(channel) {
            Some(Received::Data(_, _, some)) => bytes.extend(some),
            Some(Received::Event(_, Event::CaptureEnded(summary))) => return (bytes, summary),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_capture_has_every_frame_between_its_answer_and_its_stop() {
    in_own_network(|| {
        let agent = Agent::start();
        let mut client = agent.connect();
        let channel = capture(&mut client, "lo", u64::MAX).unwrap();
        send_a_frame();
        assert_eq!(
            client.ask(Request::StopCapture { channel }),
            Ok(Reply::Done)
        );
        let (bytes, summary) = rest(&mut client, channel);
        assert!(bytes.windows(17).any(|part| part == b"a word in passing"));
        assert!(summary.packets > 0, "{summary:?}");
        assert_eq!((summary.dropped, summary.cut_short), (0, None));
        let again = client.ask(Request::StopCapture { channel });
        assert_eq!(again.unwrap_err().kind, FailureKind::NotFound);
    });
}

#[test]
fn a_capture_that_reaches_its_limit_ends_by_itself() {
    in_own_network(|| {
        let agent = Agent::start();
        let mut client = agent.connect();
        let channel = capture(&mut client, "lo", 600).unwrap();
        for _ in 0..20 {
            send_a_frame();
        }
        let (bytes, summary) = rest(&mut client, channel);
        assert!(bytes.len() <= 600, "{}", bytes.len());
        assert!(summary.cut_short.is_some(), "{summary:?}");
    });
}

#[test]
fn a_capture_of_no_interface_is_refused() {
    let agent = Agent::start();
    let mut client = agent.connect();
    assert_eq!(
        capture(&mut client, "no-such0", 1),
        Err(FailureKind::NotFound)
    );
}

#[test]
fn a_capture_ends_with_its_connection() {
    in_own_network(|| {
        let agent = Agent::start();
        let mut client = agent.connect();
        capture(&mut client, "lo", u64::MAX).unwrap();
        drop(client);
        let mut watcher = agent.connect();
        let threads = format!("/proc/{}/task/*/comm", agent.process.id());
        let line = format!("while grep -qs '^capture$' {threads}; do :; done");
        watcher.run(&["sh", "-c", &line]);
    });
}
