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

use protocol::broadcast::{Datagram, Message, Poll, Seal};
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
            fs::write(&path, noise(length)).unwrap();
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
fn two_receivers_get_every_byte_though_much_is_lost() {
    though_much_is_lost(2);
}

#[test]
fn eight_receivers_get_every_byte_though_much_is_lost() {
    though_much_is_lost(8);
}

#[test]
fn sixteen_receivers_get_every_byte_though_much_is_lost() {
    though_much_is_lost(16);
}

/// Each end loses a fifth of what arrives, each another one.
fn though_much_is_lost(receivers: u32) {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    fs::write(&file, noise(2_500_000)).unwrap();
    let port = free_port();
    let folder = |number: u32| home.path().join(number.to_string());
    let receivers: Vec<(u32, Role)> = (0..receivers)
        .map(|number| {
            let drop = format!("20%:{number}");
            let more = ["--drop", &drop];
            (
                number,
                Role::receive_with(port, &folder(number), "60s", &more),
            )
        })
        .collect();
    let mut command = send(
        port,
        &receivers.len().to_string(),
        std::slice::from_ref(&file),
    );
    command.extend(["--drop".into(), "20%:99".into()]);
    let mut sender = Role::start(&command);
    let events = sender.events();
    assert_eq!(sender.exit_code(), 0, "{events:?}");
    for (number, mut receiver) in receivers {
        let events = receiver.events();
        assert_eq!(receiver.exit_code(), 0, "{events:?}");
        let copy = fs::read(folder(number).join("file")).unwrap();
        assert!(copy == fs::read(&file).unwrap(), "receiver {number}");
    }
}

#[test]
fn one_receiver_serves_several_senders_at_once() {
    let home = tempfile::tempdir().unwrap();
    let files: Vec<_> = (0..4)
        .map(|number| {
            let path = home.path().join(format!("file-{number}"));
            fs::write(&path, noise(700_000 * (number + 1))).unwrap();
            path
        })
        .collect();
    let port = free_port();
    let received = home.path().join("received");
    let sessions = files.len().to_string();
    let mut receiver = Role::receive_with(port, &received, "60s", &["--sessions", &sessions]);
    let senders: Vec<Role> = files
        .iter()
        .map(|file| Role::start(&send(port, "1", std::slice::from_ref(file))))
        .collect();
    for mut sender in senders {
        let events = sender.events();
        assert_eq!(sender.exit_code(), 0, "{events:?}");
    }
    let events = receiver.events();
    assert_eq!(receiver.exit_code(), 0, "{events:?}");
    for file in &files {
        let copy = received.join(file.file_name().unwrap());
        assert!(fs::read(file).unwrap() == fs::read(copy).unwrap());
    }
    assert_eq!(fs::read_dir(received).unwrap().count(), files.len());
}

#[test]
fn a_receiver_that_was_killed_goes_on_where_it_was() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    fs::write(&file, noise(6_000_000)).unwrap();
    let port = free_port();
    let here = home.path().join("here");
    let mut killed = Role::receive(port, &here, "60s");
    let mut command = send(port, "1", std::slice::from_ref(&file));
    // Slow enough that it is killed in the middle.
    command.extend(["--rate", "40mbit"].map(str::to_owned));
    let mut sender = Role::start(&command);
    loop {
        let event = killed.next_event();
        if matches!(event, Some(RoleEvent::Progress { bytes: 1.., .. })) {
            break;
        }
        assert!(event.is_some(), "it ended before it was killed");
    }
    killed.child.kill().unwrap();
    killed.child.wait().unwrap();
    let mut receiver = Role::receive(port, &here, "60s");
    let progress = receiver.next_event();
    assert!(
        matches!(
            progress,
            Some(RoleEvent::Progress {
                bytes: 1_048_576..,
                ..
            })
        ),
        "{progress:?}"
    );
    let events = sender.events();
    assert_eq!(sender.exit_code(), 0, "{events:?}");
    let events = receiver.events();
    assert_eq!(receiver.exit_code(), 0, "{events:?}");
    assert!(fs::read(&file).unwrap() == fs::read(here.join("file")).unwrap());
    assert_eq!(fs::read_dir(here).unwrap().count(), 1);
}

#[test]
fn only_those_who_know_the_key_take_part() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    fs::write(&file, noise(300_000)).unwrap();
    let key = |name: &str| {
        let path = home.path().join(name);
        fs::write(&path, name).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (right, wrong) = (key("right"), key("wrong"));
    let port = free_port();
    let (here, there) = (home.path().join("here"), home.path().join("there"));
    // Everybody knows an empty key.
    fs::write(home.path().join("empty"), "").unwrap();
    let mut command = send(port, "1", std::slice::from_ref(&file));
    command.extend([
        "--key-file".into(),
        home.path().join("empty").to_str().unwrap().into(),
    ]);
    assert_eq!(Role::start(&command).exit_code(), 1);
    let mut receiver = Role::receive_with(port, &here, "60s", &["--key-file", &right]);
    let mut stranger = Role::receive_with(port, &there, "60s", &["--key-file", &wrong]);
    let mut command = send(port, "1", std::slice::from_ref(&file));
    command.extend(["--key-file".into(), right]);
    let mut sender = Role::start(&command);
    let events = sender.events();
    assert_eq!(sender.exit_code(), 0, "{events:?}");
    receiver.events();
    assert_eq!(receiver.exit_code(), 0);
    assert!(fs::read(&file).unwrap() == fs::read(here.join("file")).unwrap());
    stranger.child.kill().unwrap();
    assert_eq!(stranger.events(), []);
    assert_eq!(fs::read_dir(there).unwrap().count(), 0);
}

#[test]
fn a_multicast_group_that_was_joined_is_received() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    fs::write(&file, noise(300_000)).unwrap();
    let port = free_port();
    let here = home.path().join("here");
    let mut receiver = Role::receive_with(port, &here, "60s", &["--group", "239.1.2.3"]);
    let mut command = send(port, "1", std::slice::from_ref(&file));
    command[2] = "239.1.2.3".into();
    let mut sender = Role::start(&command);
    let events = sender.events();
    assert_eq!(sender.exit_code(), 0, "{events:?}");
    receiver.events();
    assert_eq!(receiver.exit_code(), 0);
    assert!(fs::read(&file).unwrap() == fs::read(here.join("file")).unwrap());
}

#[test]
fn polls_that_nothing_follows_take_no_senders_place() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    fs::write(&file, noise(300_000)).unwrap();
    let port = free_port();
    let here = home.path().join("here");
    let mut receiver = Role::receive_with(port, &here, "60s", &["--sessions", "1"]);
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    // A receiver that does not answer fails the test instead of stopping it.
    let limit = std::time::Duration::from_mins(1);
    stranger.set_read_timeout(Some(limit)).unwrap();
    for session in 1..100 {
        let message = Message::Poll(Poll {
            round: 0,
            upto: 1,
            symbol_size: 1456,
            open: 64,
            manifest_length: 100,
            manifest_hash: [0; 32],
        });
        let poll = Datagram { session, message }.encode(&Seal::default(), 1456);
        stranger.send_to(&poll, ("127.0.0.1", port)).unwrap();
        // The receiver has taken it for a session, in the last one's place, and waits for what follows.
        stranger.recv(&mut [0; 2000]).unwrap();
    }
    let mut sender = Role::start(&send(port, "1", std::slice::from_ref(&file)));
    let events = sender.events();
    assert_eq!(sender.exit_code(), 0, "{events:?}");
    receiver.events();
    assert_eq!(receiver.exit_code(), 0);
    assert!(fs::read(&file).unwrap() == fs::read(here.join("file")).unwrap());
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
        Self::receive_with(port, directory, deadline, &[])
    }

    /// The same, with more arguments.
    fn receive_with(port: u16, directory: &Path, deadline: &str, more: &[&str]) -> Self {
        let directory = directory.to_str().unwrap();
        let port = port.to_string();
        let arguments = ["broadcast-receive", "--port", &port, "--interface", "lo"];
        let rest = ["--directory", directory, "--deadline", deadline];
        let arguments: Vec<String> = arguments
            .into_iter()
            .chain(rest)
            .chain(more.iter().copied())
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

fn noise(length: u32) -> Vec<u8> {
    (0..length)
        .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0])
        .collect()
}

fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}
