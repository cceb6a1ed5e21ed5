//! Greeting, refusal, garbage, several connections, and what ends with one.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command as Start, Stdio};

use protocol::control::{Exit, FailureKind, FromNode, Lifetime, Reply, Request, Stream};
use protocol::frame::Frame;

use crate::client::{Agent, Received, message, own, shell};

#[test]
fn another_version_is_refused_and_told_why() {
    let agent = Agent::start();
    let mut client = agent.connect_silently();
    let failure = client.ask(Request::Hello { version: 99 }).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Version);
    assert!(failure.message.contains("99"), "{failure}");
    assert!(client.closed());
}

#[test]
fn nothing_is_done_before_the_greeting() {
    let agent = Agent::start();
    let mut client = agent.connect_silently();
    assert_eq!(
        client.ask(Request::Status).unwrap_err().kind,
        FailureKind::Invalid
    );
    assert!(client.closed());
}

#[test]
fn a_garbled_frame_ends_only_its_connection() {
    let agent = Agent::start();
    let mut good = agent.connect();
    let lengths: [&[u8]; 4] = [
        &[0xff; 16],
        &[0, 0, 0, 0],
        &[0, 0, 0, 3, 0, b'{', b'}'],
        &[0, 0, 0, 2, 9, 9],
    ];
    for garbage in lengths {
        let mut bad = agent.connect();
        bad.stream.write_all(garbage).unwrap();
        assert!(bad.closed(), "{garbage:?}");
    }
    assert!(matches!(good.ask(Request::Status), Ok(Reply::Status(_))));
}

#[test]
fn what_a_connection_started_ends_with_it() {
    let agent = Agent::start();
    let mut watcher = agent.connect();
    let mut client = agent.connect();
    // The second has a process group of its own, as the jobs of a person's shell have.
    let line = "sleep 1000 & echo $!; set -m; sleep 1001 & echo $! up; wait";
    let channel = client.start(shell(line));
    let printed = client.until_printed(channel, "up");
    let mut kept = shell("echo $$ kept; exec sleep 1002");
    kept.lifetime = Lifetime::Node;
    let channel = client.start(kept);
    let kept = client.until_printed(channel, "kept");
    drop(client);
    for pid in printed.split_whitespace().take(2) {
        watcher.until_gone(pid);
    }
    let kept = kept.split_whitespace().next().unwrap();
    assert!(Path::new("/proc").join(kept).exists());
}

#[test]
fn many_are_served_at_once() {
    let agent = Agent::start();
    let mut clients: Vec<_> = (0..20).map(|_| agent.connect()).collect();
    let channels: Vec<_> = clients
        .iter_mut()
        .map(|client| client.start(own(&["cat"])))
        .collect();
    for (client, channel) in clients.iter_mut().zip(channels).rev() {
        client.input(channel, b"hello");
        client.input(channel, b"");
        assert_eq!(client.finish(channel).output, b"hello");
    }
}

#[test]
fn the_socket_is_carried_over_standard_streams() {
    let agent = Agent::start();
    let mut bridge = Start::new(env!("CARGO_BIN_EXE_node"))
        .arg("connect")
        .arg(agent.socket())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut hello = Vec::new();
    message(
        7,
        Request::Hello {
            version: protocol::VERSION,
        },
    )
    .encode(&mut hello);
    bridge.stdin.as_mut().unwrap().write_all(&hello).unwrap();
    let mut received = Vec::new();
    let frame = loop {
        if let Some((frame, _)) = Frame::decode(&received).unwrap() {
            break frame;
        }
        let mut buffer = [0; 100];
        let count = bridge.stdout.as_mut().unwrap().read(&mut buffer).unwrap();
        received.extend_from_slice(&buffer[..count]);
    };
    let Frame::Message(json) = frame else {
        panic!("{frame:?}")
    };
    let FromNode::Reply { id: 7, result } = serde_json::from_slice(&json).unwrap() else {
        panic!("another answer");
    };
    assert_eq!(
        result,
        Ok(Reply::Ready {
            version: protocol::VERSION
        })
    );
    drop(bridge.stdin.take());
    assert!(bridge.wait().unwrap().success());
}

#[test]
fn a_flood_that_is_not_read_neither_fills_the_agent_nor_holds_up_others() {
    let agent = Agent::start();
    let mut flooded = agent.connect();
    let before = agent.memory();
    let channel = flooded.start(own(&["head", "-c", &FLOOD.to_string(), "/dev/zero"]));
    let mut other = agent.connect();
    // Each of these goes through the agent while the flood waits, or comes.
    for _ in 0..50 {
        assert_eq!(other.run(&["echo", "x"]).output, b"x\n");
    }
    assert!(agent.memory() < before + (FLOOD / 4), "the agent grew");
    // Nothing of it is lost by waiting.
    let outcome = flooded.finish(channel);
    assert_eq!(outcome.output.len() as u64, FLOOD);
    assert_eq!(outcome.exit, Some(Exit::Code(0)));
    assert!(agent.memory() < before + (FLOOD / 4), "the agent grew");
}

#[test]
fn a_signal_is_done_although_nothing_is_read() {
    let agent = Agent::start();
    let mut flooded = agent.connect();
    let channel = flooded.start(own(&["yes"]));
    let id = flooded.request(Request::Signal {
        channel,
        signal: 15,
    });
    assert_eq!(flooded.reply(id), Ok(Reply::Done));
    assert_eq!(flooded.finish(channel).exit, Some(Exit::Signal(15)));
}

#[test]
fn replies_come_through_a_flood() {
    let agent = Agent::start();
    let mut client = agent.connect();
    let flood = client.start(own(&["yes"]));
    for _ in 0..20 {
        let id = client.request(Request::Status);
        assert!(matches!(client.reply(id), Ok(Reply::Status(_))));
        assert!(matches!(
            client.next_on(flood),
            Some(Received::Data(_, Stream::Output, _))
        ));
    }
}

/// Bytes of a flood, many times what queues and pipes hold.
const FLOOD: u64 = 64 << 20;
