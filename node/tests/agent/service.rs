//! The node's own command and its log.

use protocol::control::{CommandState, Exit, FailureKind, Reply, Request};

use crate::client::{Agent, Client, Received, own, shell};

fn logs(client: &mut Client, follow: bool) -> Vec<u8> {
    let channel = client.number();
    assert_eq!(
        client.ask(Request::Logs { channel, follow }),
        Ok(Reply::Done)
    );
    let mut log = Vec::new();
    loop {
        match client.next_on(channel) {
            Some(Received::Data(_, _, bytes)) if bytes.is_empty() => return log,
            Some(Received::Data(_, _, bytes)) => log.extend(bytes),
            other => panic!("{other:?}"),
        }
    }
}

fn state(client: &mut Client) -> Option<CommandState> {
    match client.ask(Request::Status) {
        Ok(Reply::Status(status)) => {
            assert!(status.processes > 0);
            status.command
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_command_outlives_the_connection_that_launched_it() {
    let agent = Agent::start();
    let mut client = agent.connect();
    assert_eq!(state(&mut client), None);
    assert_eq!(logs(&mut client, true), b"");
    let fifo = agent.path("fifo");
    let line = format!("mkfifo {fifo}; echo one; echo two >&2; cat {fifo}; exit 9");
    let launched = client.ask(Request::Launch {
        command: shell(&line),
    });
    let Ok(Reply::Started { pid }) = launched else {
        panic!("{launched:?}")
    };
    assert_eq!(state(&mut client), Some(CommandState::Running { pid }));
    let twice = client.ask(Request::Launch {
        command: own(&["true"]),
    });
    assert_eq!(twice.unwrap_err().kind, FailureKind::Invalid);
    drop(client);

    let mut client = agent.connect();
    let follower = client.number();
    client
        .ask(Request::Logs {
            channel: follower,
            follow: true,
        })
        .unwrap();
    assert_eq!(client.until_printed(follower, "two"), "one\ntwo\n");
    assert_eq!(logs(&mut client, false), b"one\ntwo\n");
    client.run(&["sh", "-c", &format!("echo three > {fifo}")]);
    assert_eq!(client.until_printed(follower, "three"), "three\n");
    assert!(matches!(client.next_on(follower), Some(Received::Data(_, _, end)) if end.is_empty()));
    assert_eq!(state(&mut client), Some(CommandState::Ended(Exit::Code(9))));
    // Once it has ended it may be launched again, and the log goes on.
    client
        .ask(Request::Launch {
            command: own(&["echo", "four"]),
        })
        .unwrap();
    assert_eq!(logs(&mut client, true), b"one\ntwo\nthree\nfour\n");
}

#[test]
fn a_log_keeps_its_end_and_says_what_is_gone() {
    let agent = Agent::start();
    let mut client = agent.connect();
    let before = agent.memory();
    let line = "yes 0123456789 | head -c 50000000; echo the end";
    client
        .ask(Request::Launch {
            command: shell(line),
        })
        .unwrap();
    logs(&mut client, true);
    let log = logs(&mut client, false);
    assert!(
        log.starts_with(b"[48951432 bytes of this log are gone"),
        "{:?}",
        &log[..60]
    );
    assert!(log.ends_with(b"the end\n"));
    assert!(log.len() < (1 << 20) + 200);
    assert!(agent.memory() < before + (4 << 20), "the agent grew");
}

#[test]
fn a_command_that_is_not_there_is_named() {
    let agent = Agent::start();
    let mut client = agent.connect();
    let failure = client
        .ask(Request::Launch {
            command: own(&["no-such"]),
        })
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::NotFound);
    assert_eq!(state(&mut client), None);
}
