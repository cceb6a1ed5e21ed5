//! Files into and out of a node.

use std::os::unix::fs::PermissionsExt;
use std::thread;

use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use protocol::control::{Event, FailureKind, Reply, Request, Stream};
use protocol::frame::{DATA_CHUNK, Frame};
use sha2::{Digest, Sha256};

use crate::client::{Agent, Client, Received};

fn put(
    client: &mut Client,
    path: &str,
    mode: u32,
    body: &[u8],
) -> Result<Reply, protocol::control::Failure> {
    let channel = client.number();
    let path = path.to_owned();
    let id = client.request(Request::Put {
        channel,
        path,
        mode,
    });
    for chunk in body.chunks(DATA_CHUNK) {
        client.input(channel, chunk);
    }
    client.input(channel, b"");
    client.reply(id)
}

fn get(client: &mut Client, path: &str) -> Vec<u8> {
    get_at_most(client, path, None)
}

fn get_at_most(client: &mut Client, path: &str, at_most: Option<u64>) -> Vec<u8> {
    let channel = client.number();
    let path = path.to_owned();
    let file = client
        .ask(Request::Get {
            channel,
            path,
            at_most,
        })
        .unwrap();
    assert!(matches!(file, Reply::File { .. }));
    body(client, channel)
}

/// Everything that a file's channel brings.
fn body(client: &mut Client, channel: u32) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        match client.next_on(channel) {
            Some(Received::Data(_, Stream::Output, bytes)) if bytes.is_empty() => return body,
            Some(Received::Data(_, Stream::Output, bytes)) => body.extend(bytes),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_hundred_megabytes_go_in_and_out_unchanged() {
    let agent = Agent::start();
    let mut client = agent.connect();
    let mut state = 1_u32;
    let body: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    })
    .take(100_000_000)
    .collect();
    let path = agent.path("new/folder/large");
    assert_eq!(put(&mut client, &path, 0o640, &body), Ok(Reply::Done));
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777,
        0o640
    );
    let back = get(&mut client, &path);
    assert_eq!(Sha256::digest(&back), Sha256::digest(&body));
    // Only what is on its way is held.
    assert!(agent.memory() < 16 << 20, "{}", agent.memory());
}

#[test]
fn a_file_appears_whole_or_not_at_all() {
    let agent = Agent::start();
    let mut client = agent.connect();
    let path = agent.path("file");
    assert_eq!(put(&mut client, &path, 0o600, b"old"), Ok(Reply::Done));
    let channel = client.number();
    client.request(Request::Put {
        channel,
        path: path.clone(),
        mode: 0o600,
    });
    client.input(channel, b"new but cut");
    // Another request after it is answered, so the body so far was dealt with.
    client.ask(Request::Status).unwrap();
    drop(client);
    let mut client = agent.connect();
    assert_eq!(get(&mut client, &path), b"old");
    assert_eq!(put(&mut client, &path, 0o600, b"new"), Ok(Reply::Done));
    assert_eq!(get(&mut client, &path), b"new");
    // What was unfinished is gone as soon as the agent has noticed.
    let folder = agent.folder.path().to_str().unwrap();
    let look = format!("while ls -a {folder} | grep -q unfinished; do :; done");
    client.run(&["sh", "-c", &look]);
}

/// As a container's /etc/hosts is.
#[test]
fn a_file_that_is_a_mount_is_written_over() {
    let agent = Agent::with_mounts("echo longer than before > file && mount --bind file file");
    let mut client = agent.connect();
    let path = agent.path("file");
    assert_eq!(put(&mut client, &path, 0o640, b"shorter"), Ok(Reply::Done));
    assert_eq!(std::fs::read(&path).unwrap(), b"shorter");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o640);
    // A pipe cannot be.
    let agent = Agent::with_mounts("mkfifo pipe && touch file && mount --bind pipe file");
    let mut client = agent.connect();
    let refused = put(&mut client, &agent.path("file"), 0o640, b"body").unwrap_err();
    assert_eq!(refused.kind, FailureKind::Invalid, "{refused}");
}

#[test]
fn an_empty_file_is_one_too() {
    let agent = Agent::start();
    let mut client = agent.connect();
    let path = agent.path("empty");
    assert_eq!(put(&mut client, &path, 0o644, b""), Ok(Reply::Done));
    assert_eq!(get(&mut client, &path), b"");
}

#[test]
fn the_kernels_files_are_read_to_their_end() {
    let agent = Agent::start();
    let mut client = agent.connect();
    assert!(get(&mut client, "/proc/self/status").starts_with(b"Name:"));
}

#[test]
fn what_cannot_be_read_or_written_is_named() {
    let agent = Agent::start();
    let mut client = agent.connect();
    let mut get = |path: &str| {
        let channel = client.number();
        let path = path.to_owned();
        client
            .ask(Request::Get {
                channel,
                path,
                at_most: None,
            })
            .unwrap_err()
    };
    let missing = get("/no/such/file");
    assert_eq!(missing.kind, FailureKind::NotFound);
    assert!(
        missing.message.contains("/no/such/file: No such file"),
        "{missing}"
    );
    assert_eq!(get("/usr").kind, FailureKind::Invalid);
    assert_eq!(get("/dev/zero").kind, FailureKind::Invalid);
    assert_eq!(get("relative").kind, FailureKind::Invalid);
    let refused = put(&mut client, "/dev/null/x", 0o600, b"body").unwrap_err();
    assert!(refused.message.contains("/dev/null/x"), "{refused}");
    // The refusal has not put the connection out of step.
    assert!(matches!(client.ask(Request::Status), Ok(Reply::Status(_))));
}

/// A program may put a pipe in the place of a file between any two looks at it. Whoever opened it would wait for a
/// writer for ever, and the agent's threads for files are few.
#[test]
fn a_pipe_in_a_files_place_keeps_nobody_waiting() {
    let agent = Agent::start();
    let mut client = agent.connect();
    let (file, pipe) = (agent.path("file"), agent.path("pipe"));
    std::fs::write(&file, "body").unwrap();
    mkfifo(pipe.as_str(), Mode::from_bits_truncate(0o600)).unwrap();
    let (a, b) = (file.clone(), pipe);
    // It ends with the folder.
    let exchange =
        move || renameat2(AT_FDCWD, &*a, AT_FDCWD, &*b, RenameFlags::RENAME_EXCHANGE).is_ok();
    thread::spawn(move || while exchange() {});
    let (mut files, mut pipes) = (0, 0);
    while files + pipes < 500 || files.min(pipes) == 0 {
        let channel = client.number();
        let asked = client.ask(Request::Get {
            channel,
            path: file.clone(),
            at_most: None,
        });
        match asked {
            Ok(_) => {
                assert_eq!(body(&mut client, channel), b"body");
                files += 1;
            }
            Err(refused) => {
                assert_eq!(refused.kind, FailureKind::Invalid, "{refused}");
                pipes += 1;
            }
        }
    }
}

#[test]
fn a_full_disk_is_told_and_the_rest_of_the_body_is_dropped() {
    let agent = Agent::with_a_small_disk();
    let mut client = agent.connect();
    let folder = agent.path("small");
    let full = put(
        &mut client,
        &format!("{folder}/file"),
        0o600,
        &vec![1; 5_000_000],
    );
    let full = full.unwrap_err();
    assert_eq!(full.kind, FailureKind::System);
    assert!(full.message.contains("No space left"), "{full}");
    let listed = client.ask(Request::List { path: folder });
    assert_eq!(listed, Ok(Reply::Entries(Vec::new())));
}

#[test]
fn a_folder_is_listed_by_name() {
    let agent = Agent::start();
    let mut client = agent.connect();
    put(&mut client, &agent.path("b/z"), 0o600, b"").unwrap();
    put(&mut client, &agent.path("b/a"), 0o600, b"four").unwrap();
    put(&mut client, &agent.path("b/m/x"), 0o600, b"").unwrap();
    let Ok(Reply::Entries(entries)) = client.ask(Request::List {
        path: agent.path("b"),
    }) else {
        panic!("not listed");
    };
    let seen: Vec<_> = entries.iter().map(|e| (&e.name[..], e.folder)).collect();
    assert_eq!(seen, [("a", false), ("m", true), ("z", false)]);
    assert_eq!(entries[0].length, 4);
}

#[test]
fn a_file_that_shrinks_is_not_passed_off_as_whole() {
    let agent = Agent::start();
    let mut client = agent.connect();
    let path = agent.path("shrinking");
    std::fs::write(&path, vec![7; 50_000_000]).unwrap();
    let channel = client.number();
    client
        .ask(Request::Get {
            channel,
            path: path.clone(),
            at_most: None,
        })
        .unwrap();
    // The agent can be no further than its queue and the socket's buffer, which nobody has read.
    std::fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(10_000_000)
        .unwrap();
    let broken = loop {
        match client.next_on(channel) {
            Some(Received::Data(_, _, bytes)) => assert!(!bytes.is_empty()),
            Some(Received::Event(_, Event::Broken(failure))) => break failure,
            other => panic!("{other:?}"),
        }
    };
    assert!(broken.message.contains("shrank"), "{broken}");
}

/// More than a disk holds, of which nothing was ever written.
#[test]
fn no_more_of_a_file_comes_than_was_asked_for() {
    let agent = Agent::start();
    let mut client = agent.connect();
    let path = agent.path("long");
    let file = std::fs::File::create(&path).unwrap();
    file.set_len(1 << 40).unwrap();
    for (at_most, comes) in [(0, 0), (100_001, 100_001)] {
        let body = get_at_most(&mut client, &path, Some(at_most));
        assert_eq!(body.len(), comes);
    }
    file.set_len(5).unwrap();
    assert_eq!(get_at_most(&mut client, &path, Some(6)).len(), 5);
}

#[test]
fn bytes_for_no_conversation_are_dropped() {
    let agent = Agent::start();
    let mut client = agent.connect();
    client.send(&Frame::Data {
        channel: 4711,
        stream: Stream::Input,
        bytes: vec![1; 10],
    });
    assert!(matches!(client.ask(Request::Status), Ok(Reply::Status(_))));
}

#[test]
fn files_of_the_kernel_are_read_as_far_as_they_go() {
    let agent = Agent::start();
    let mut client = agent.connect();
    // One says that it is empty, the other that it is a page long.
    for path in ["/proc/sys/kernel/ostype", "/sys/class/net/lo/mtu"] {
        let body = get(&mut client, path);
        assert_eq!(body, std::fs::read(path).unwrap(), "{path}");
        assert!(!body.is_empty());
    }
}
