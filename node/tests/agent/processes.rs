//! Programs: what they are given, what they print, how they end.

use protocol::control::{Command, Exit, FailureKind, Program, Reply, Request, Stream};

use crate::client::{Agent, Received, own, shell};

#[test]
fn output_error_and_exit_code_come_back() {
    let agent = Agent::start();
    let mut client = agent.connect();
    let outcome = client.run(&["sh", "-c", "echo out; echo err >&2; exit 7"]);
    assert_eq!(outcome.output, b"out\n");
    assert_eq!(outcome.error, b"err\n");
    assert_eq!(outcome.exit, Some(Exit::Code(7)));
}

#[test]
fn environment_and_directory_are_as_asked() {
    let agent = Agent::start();
    let mut client = agent.connect();
    let mut command = shell("echo $COLOUR; pwd");
    command.env.insert("COLOUR".to_owned(), "blue".to_owned());
    command.directory = Some("/usr".to_owned());
    let channel = client.start(command);
    assert_eq!(client.finish(channel).output, b"blue\n/usr\n");
}

#[test]
fn what_cannot_be_started_is_named() {
    let agent = Agent::start();
    let mut client = agent.connect();
    let mut start = |command: Command| {
        let channel = client.number();
        client.ask(Request::Start { channel, command }).unwrap_err()
    };
    let missing = start(own(&["no-such-program"]));
    assert_eq!(missing.kind, FailureKind::NotFound);
    assert!(missing.message.contains("no-such-program"), "{missing}");
    assert!(missing.message.contains("/bin"), "{missing}");

    let mut elsewhere = own(&["true"]);
    elsewhere.directory = Some("/no/such/folder".to_owned());
    let elsewhere = start(elsewhere);
    assert_eq!(elsewhere.kind, FailureKind::NotFound);
    assert!(elsewhere.message.contains("/no/such/folder"), "{elsewhere}");

    let path = agent.path("not-executable");
    std::fs::write(&path, "#!/bin/sh\n").unwrap();
    let denied = start(own(&[&path]));
    assert_eq!(denied.kind, FailureKind::Denied);
    assert!(denied.message.contains(&path), "{denied}");

    assert_eq!(start(own(&[])).kind, FailureKind::Invalid);
}

#[test]
fn input_is_delivered_and_ended() {
    let agent = Agent::start();
    let mut client = agent.connect();
    let channel = client.start(own(&["wc", "-c"]));
    for _ in 0..100 {
        client.input(channel, &vec![b'x'; 50_000]);
    }
    client.input(channel, b"");
    assert_eq!(client.finish(channel).output, b"5000000\n");
}

#[test]
fn a_signal_reaches_the_whole_group() {
    let agent = Agent::start();
    let mut client = agent.connect();
    let channel = client.start(shell("sleep 1000 | sleep 1000 & echo up; wait"));
    client.until_printed(channel, "up");
    let sent = client.ask(Request::Signal { channel, signal: 9 });
    assert_eq!(sent, Ok(Reply::Done));
    assert_eq!(client.finish(channel).exit, Some(Exit::Signal(9)));
    let late = client.ask(Request::Signal { channel, signal: 9 });
    assert_eq!(late.unwrap_err().kind, FailureKind::NotFound);
    let wrong = client.start(own(&["cat"]));
    let sent = client.ask(Request::Signal {
        channel: wrong,
        signal: 999,
    });
    assert_eq!(sent.unwrap_err().kind, FailureKind::Invalid);
}

#[test]
fn a_process_starts_with_default_signals_and_nothing_open() {
    let agent = Agent::start();
    let mut client = agent.connect();
    let line = "cat /proc/self/status | grep -E '^Sig(Blk|Ign|Cgt)'; ls /proc/self/fd";
    let printed = client.run(&["sh", "-c", line]).output;
    let printed = String::from_utf8(printed).unwrap();
    let zero = "0000000000000000";
    let lines: Vec<_> = printed.split_whitespace().collect();
    // `ls` has the folder open itself, as descriptor 3.
    let expected = [
        "SigBlk:", zero, "SigIgn:", zero, "SigCgt:", zero, "0", "1", "2", "3",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_process_leads_its_own_session() {
    let agent = Agent::start();
    let mut client = agent.connect();
    let channel = client.number();
    let command = own(&["cat", "/proc/self/stat"]);
    let Ok(Reply::Started { pid }) = client.ask(Request::Start { channel, command }) else {
        panic!("not started");
    };
    let stat = String::from_utf8(client.finish(channel).output).unwrap();
    let fields: Vec<_> = stat.split_whitespace().collect();
    let pid = pid.to_string();
    assert_eq!(
        (fields[0], fields[4], fields[5]),
        (&pid[..], &pid[..], &pid[..])
    );
}

#[test]
fn one_who_inherits_the_output_does_not_hold_back_the_exit() {
    let agent = Agent::start();
    let mut client = agent.connect();
    let channel = client.start(shell("sleep 1000 & echo printed; exit 3"));
    let outcome = client.finish(channel);
    assert_eq!(outcome.exit, Some(Exit::Code(3)));
    assert_eq!(outcome.output, b"printed\n");
    // Nor does one who goes on printing.
    let channel = client.start(shell("yes & echo printed >&2; exit 4"));
    let outcome = client.finish(channel);
    assert_eq!(outcome.exit, Some(Exit::Code(4)));
    assert_eq!(outcome.error, b"printed\n");
}

#[test]
fn all_that_was_printed_comes_before_the_exit() {
    let agent = Agent::start();
    let mut client = agent.connect();
    for _ in 0..20 {
        let outcome = client.run(&["head", "-c", "300000", "/dev/zero"]);
        assert_eq!(outcome.output.len(), 300_000);
        assert_eq!(outcome.exit, Some(Exit::Code(0)));
    }
}

#[test]
fn a_thousand_short_processes_leave_nothing() {
    let agent = Agent::start();
    let mut client = agent.connect();
    for _ in 0..1000 {
        assert_eq!(client.run(&["true"]).exit, Some(Exit::Code(0)));
    }
    let pid = agent.process.id();
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .count();
    assert!(descriptors < 20, "{descriptors} descriptors are open");
    let tasks = format!("/proc/{pid}/task/{pid}/children");
    assert_eq!(std::fs::read_to_string(tasks).unwrap(), "");
}

#[test]
fn orphans_are_reaped() {
    let agent = Agent::start();
    let mut client = agent.connect();
    // Its parent is gone by the time the command ends.
    let outcome = client.run(&["sh", "-c", "(sleep 1000 & echo $!)"]);
    let orphan = String::from_utf8(outcome.output).unwrap();
    client.run(&["kill", orphan.trim()]);
    client.until_gone(&orphan);
}

#[test]
fn a_role_is_the_same_binary() {
    let agent = Agent::start();
    let mut client = agent.connect();
    let mut command = own(&[]);
    command.program = Program::Role(vec!["--version".to_owned()]);
    let channel = client.start(command);
    let outcome = client.finish(channel);
    assert_eq!(outcome.exit, Some(Exit::Code(0)), "{outcome:?}");
    assert!(outcome.output.starts_with(b"node "), "{outcome:?}");
}

#[test]
fn a_channel_is_used_by_one() {
    let agent = Agent::start();
    let mut client = agent.connect();
    let channel = client.start(own(&["cat"]));
    let again = client.ask(Request::Start {
        channel,
        command: own(&["cat"]),
    });
    assert_eq!(again.unwrap_err().kind, FailureKind::Invalid);
}

#[test]
fn a_process_that_takes_no_input_ends_with_its_connection() {
    let agent = Agent::start();
    let mut client = agent.connect();
    let channel = client.start(shell("echo $$; exec sleep 1000"));
    let pid = client.until_printed(channel, "\n");
    // More than the agent takes in for one process, so that it stops reading.
    let sender = std::thread::spawn(move || {
        client
            .stream
            .set_write_timeout(Some(std::time::Duration::from_secs(1)))
            .unwrap();
        let mut frame = Vec::new();
        let data = protocol::frame::Frame::Data {
            channel,
            stream: Stream::Input,
            bytes: vec![0; 60_000],
        };
        data.encode(&mut frame);
        while std::io::Write::write_all(&mut client.stream, &frame).is_ok() {}
    });
    sender.join().unwrap();
    agent.connect().until_gone(&pid);
}

#[test]
fn streams_end_before_the_exit_is_told() {
    let agent = Agent::start();
    let mut client = agent.connect();
    let channel = client.start(own(&["true"]));
    let mut ended = Vec::new();
    loop {
        match client.next_on(channel) {
            Some(Received::Data(_, stream, bytes)) if bytes.is_empty() => ended.push(stream),
            Some(Received::Event(..)) => break,
            other => panic!("{other:?}"),
        }
    }
    ended.sort_by_key(|stream| *stream as u8);
    assert_eq!(ended, [Stream::Output, Stream::Error]);
}

#[test]
fn everything_ends_with_the_agent() {
    let agent = Agent::start();
    let mut client = agent.connect();
    let mut command = shell("sleep 1000 & setsid sleep 1000 & echo $! up; exit 0");
    command.lifetime = protocol::control::Lifetime::Node;
    let channel = client.start(command);
    let printed = client.until_printed(channel, "up");
    let escaped = printed.split_whitespace().next().unwrap();
    let escaped = std::path::Path::new("/proc").join(escaped);
    assert!(escaped.exists());
    drop(agent);
    assert!(!escaped.exists());
}
