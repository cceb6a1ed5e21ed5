//! Programs with a terminal.

use protocol::control::{Command, Exit, FailureKind, Reply, Request, WindowSize};

use crate::client::{Agent, own, shell};

fn in_terminal(line: &str) -> Command {
    let size = WindowSize {
        rows: 24,
        columns: 80,
    };
    Command {
        terminal: Some(size),
        ..shell(line)
    }
}

#[test]
fn a_terminal_has_the_size_that_it_is_given() {
    let agent = Agent::start();
    let mut client = agent.connect();
    let line = "stty size; trap 'stty size; exit 5' WINCH; echo up; while :; do read x; done";
    let channel = client.start(in_terminal(line));
    assert!(client.until_printed(channel, "up").contains("24 80"));
    let size = WindowSize {
        rows: 50,
        columns: 132,
    };
    assert_eq!(
        client.ask(Request::Resize { channel, size }),
        Ok(Reply::Done)
    );
    // A shell may run a trap only after what it reads.
    client.input(channel, b"\n");
    let outcome = client.finish(channel);
    assert!(
        String::from_utf8_lossy(&outcome.output).contains("50 132"),
        "{outcome:?}"
    );
    assert_eq!(outcome.exit, Some(Exit::Code(5)));
}

#[test]
fn a_terminal_controls_its_session() {
    let agent = Agent::start();
    let mut client = agent.connect();
    let channel = client.start(in_terminal(
        "exec 3<>/dev/tty && tty <&3; echo up; exec cat",
    ));
    assert!(client.until_printed(channel, "up").contains("/dev/"));
    // Control-C is a signal there.
    client.input(channel, &[3]);
    assert_eq!(client.finish(channel).exit, Some(Exit::Signal(2)));
}

#[test]
fn all_that_was_printed_on_a_terminal_comes_before_the_exit() {
    let agent = Agent::start();
    let mut client = agent.connect();
    for _ in 0..20 {
        let channel = client.start(in_terminal("yes 0123456789 | head -n 2000; echo end"));
        let output = client.finish(channel).output;
        assert_eq!(output.len(), 2000 * 12 + 5);
        assert!(output.ends_with(b"end\r\n"));
    }
}

#[test]
fn the_end_of_input_is_the_end_for_a_terminal_too() {
    let agent = Agent::start();
    let mut client = agent.connect();
    let channel = client.start(in_terminal("cat"));
    client.input(channel, b"line\n");
    client.input(channel, b"");
    assert_eq!(client.finish(channel).exit, Some(Exit::Code(0)));
}

#[test]
fn only_a_terminal_has_a_size() {
    let agent = Agent::start();
    let mut client = agent.connect();
    let channel = client.start(own(&["cat"]));
    let size = WindowSize {
        rows: 1,
        columns: 1,
    };
    let refused = client.ask(Request::Resize { channel, size }).unwrap_err();
    assert_eq!(refused.kind, FailureKind::Invalid);
}
