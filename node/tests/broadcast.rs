//! The broadcast roles as programs, over the loopback's broadcast address.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops where it fails"
)]

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use protocol::role::RoleEvent;

#[test]
fn two_receivers_get_every_byte_of_several_files() {
    let home = tempfile::tempdir().unwrap();
    let contents = [
        ("data.jpg", 150_000),
        ("nothing", 0),
        ("asteroid.png", 1_050_000),
    ];
    let files: Vec<_> = contents
        .into_iter()
        .map(|(name, length)| {
            let path = home.path().join(name);
            let bytes: Vec<u8> = (0_u32..length)
                .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0])
                .collect();
            fs::write(&path, bytes).unwrap();
            path
        })
        .collect();
    let port = free_port();
    let mut receivers =
        ["one", "two"].map(|name| Role::receive(port, &home.path().join(name), "30s"));
    let mut sender = Role::start(&send(port, "2", &files));
    let events = sender.events();
    assert_eq!(sender.exit_code(), 0, "{events:?}");
    let sent = events
        .iter()
        .filter(|event| matches!(event, RoleEvent::Sent(_)));
    assert_eq!(sent.count(), files.len());
    for receiver in &mut receivers {
        let events = receiver.events();
        assert_eq!(receiver.exit_code(), 0, "{events:?}");
        assert!(
            matches!(events.last(), Some(RoleEvent::Finished(_))),
            "{events:?}"
        );
    }
    for name in ["one", "two"] {
        let directory = home.path().join(name);
        for file in &files {
            let copy = directory.join(file.file_name().unwrap());
            assert!(fs::read(file).unwrap() == fs::read(copy).unwrap());
        }
        assert_eq!(fs::read_dir(directory).unwrap().count(), files.len());
    }
}

#[test]
fn a_receiver_that_never_comes_is_named() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    fs::write(&file, b"content").unwrap();
    let port = free_port();
    let mut receiver = Role::receive(port, &home.path().join("here"), "30s");
    let mut command = send(port, "127.0.0.1,192.0.2.1", std::slice::from_ref(&file));
    command.extend(["--patience".into(), "1200ms".into()]);
    let mut sender = Role::start(&command);
    let events = sender.events();
    assert_eq!(sender.exit_code(), 1);
    let lost = |event: &RoleEvent| match event {
        RoleEvent::Lost { receiver, .. } => Some(receiver.clone()),
        _ => None,
    };
    assert_eq!(
        events.iter().filter_map(lost).collect::<Vec<_>>(),
        ["192.0.2.1"]
    );
    // The one that was there has its file all the same.
    receiver.events();
    assert_eq!(receiver.exit_code(), 0);
    assert_eq!(fs::read(home.path().join("here/file")).unwrap(), b"content");
}

#[test]
fn what_cannot_be_sent_or_received_is_said() {
    let home = tempfile::tempdir().unwrap();
    let absent = home.path().join("absent");
    let mut sender = Role::start(&send(free_port(), "1", std::slice::from_ref(&absent)));
    let events = sender.events();
    let [RoleEvent::Failed { reason }] = &events[..] else {
        unreachable!("only a failure was expected: {events:?}");
    };
    assert!(reason.contains("absent"), "{reason}");
    assert_eq!(sender.exit_code(), 1);

    let mut receiver = Role::receive(free_port(), &home.path().join("here"), "100ms");
    let events = receiver.events();
    let Some(RoleEvent::Failed { reason }) = events.last() else {
        unreachable!("a failure was expected: {events:?}");
    };
    assert!(reason.contains("no sender was heard"), "{reason}");
    assert_eq!(receiver.exit_code(), 1);
}

/// A role of the node binary at work.
struct Role {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Role {
    fn start(arguments: &[String]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_node"))
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// A receiver that listens already.
    fn receive(port: u16, directory: &Path, deadline: &str) -> Self {
        let directory = directory.to_str().unwrap();
        let port = port.to_string();
        let arguments = ["broadcast-receive", "--port", &port, "--interface", "lo"];
        let rest = ["--directory", directory, "--deadline", deadline];
        let arguments: Vec<String> = arguments
            .into_iter()
            .chain(rest)
            .map(str::to_owned)
            .collect();
        let mut role = Self::start(&arguments);
        assert_eq!(role.next_event(), Some(RoleEvent::Ready));
        role
    }

    fn next_event(&mut self) -> Option<RoleEvent> {
        let line = self.lines.next()?.unwrap();
        Some(serde_json::from_str(&line).expect("every line is an event"))
    }

    /// All events up to its end.
    fn events(&mut self) -> Vec<RoleEvent> {
        std::iter::from_fn(|| self.next_event()).collect()
    }

    fn exit_code(&mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        // It has mostly ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn send(port: u16, receivers: &str, files: &[std::path::PathBuf]) -> Vec<String> {
    let port = port.to_string();
    let to = [
        "broadcast-send",
        "--to",
        "127.255.255.255",
        "--interface",
        "lo",
        "--port",
        &port,
    ];
    let files = files
        .iter()
        .flat_map(|file| ["--file", file.to_str().unwrap()]);
    to.into_iter()
        .chain(["--receivers", receivers])
        .chain(files)
        .map(str::to_owned)
        .collect()
}

fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}
