//! Clients that behave, and clients that do not, which harm nobody.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use protocol::frame::{Frame, MAX_FRAME};
use protocol::keeper::channel::{Call, Message, Refusal, Reply, Request, VERSION, frame};
use protocol::link::{Change, Conditions, LinkId, LinkTable};
use protocol::unit::Percent;

use super::*;

/// A keeper's clients, and the socket's folder.
struct Keeper {
    clients: Clients,
    service: Service,
    folder: tempfile::TempDir,
}

impl Keeper {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join(SOCKET)).unwrap();
        let port = egress().port;
        Self {
            clients: Clients::at(listener).unwrap(),
            service: Service::new(LinkTable::new([&port])),
            folder,
        }
    }

    /// Connects past the gate, which lets nobody of its own process namespace in.
    fn connect(&mut self) -> UnixStream {
        let (ours, its) = UnixStream::pair().unwrap();
        ours.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        self.clients.clients.push(Client::new(its).unwrap());
        ours
    }

    fn serve(&mut self) {
        self.clients.serve(&mut self.service);
    }

    /// Serves until `client` has its answer.
    fn ask(&mut self, mut client: &UnixStream, request: Request) -> Result<Reply, Refusal> {
        client.write_all(&call(request)).unwrap();
        self.hear(client)
    }

    fn hear(&mut self, mut client: &UnixStream) -> Result<Reply, Refusal> {
        client.set_nonblocking(true).unwrap();
        let mut received = Vec::new();
        let mut chunk = [0; 16 << 10];
        loop {
            self.serve();
            if let Ok(length) = client.read(&mut chunk) {
                assert_ne!(length, 0, "the keeper has hung up");
                received.extend_from_slice(&chunk[..length]);
            }
            if let Some((Frame::Message(json), _)) = Frame::decode(&received).unwrap() {
                let Message::Reply { id, result } = serde_json::from_slice(&json).unwrap();
                assert_eq!(id, 7);
                return result;
            }
        }
    }

    fn greeted(&mut self) -> UnixStream {
        let client = self.connect();
        let version = VERSION;
        let ready = self.ask(&client, Request::Hello { version });
        assert_eq!(ready, Ok(Reply::Ready { version }));
        client
    }
}

fn egress() -> LinkId {
    "a:eth0 egress".parse().unwrap()
}

fn call(request: Request) -> Vec<u8> {
    frame(&Call { id: 7, request }).unwrap()
}

fn lossy(share: f64) -> Request {
    let conditions = Conditions {
        loss: Percent(share),
        ..Conditions::default()
    };
    Request::Change(Change::Merge([(egress(), conditions)].into()))
}

fn has_hung_up(mut client: &UnixStream) -> bool {
    matches!(client.read(&mut [0; 1 << 10]), Ok(0))
}

#[test]
fn a_change_of_one_client_is_read_by_another() {
    let mut keeper = Keeper::new();
    let (one, other) = (keeper.greeted(), keeper.greeted());
    let changed = keeper.ask(&one, lossy(5.0));
    assert_eq!(changed, Ok(Reply::Changed { revision: 1 }));
    let Ok(Reply::Conditions(held)) = keeper.ask(&other, Request::Conditions) else {
        panic!("no conditions");
    };
    assert_eq!(
        (held.revision, held.conditions[&egress()].loss),
        (1, Percent(5.0))
    );
}

#[test]
fn another_version_is_refused_by_name_and_leaves() {
    let mut keeper = Keeper::new();
    let client = keeper.connect();
    let refused = keeper.ask(&client, Request::Hello { version: 99 });
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("version 1 "), "{refused}");
    assert!(refused.contains("version 99"), "{refused}");
    keeper.serve();
    client.set_nonblocking(false).unwrap();
    assert!(has_hung_up(&client));
}

#[test]
fn nothing_goes_before_the_greeting() {
    let mut keeper = Keeper::new();
    let client = keeper.connect();
    assert_eq!(keeper.ask(&client, lossy(5.0)), Err(Refusal::NotGreeted));
    let reader = keeper.greeted();
    let Ok(Reply::Conditions(held)) = keeper.ask(&reader, Request::Conditions) else {
        panic!("no conditions");
    };
    assert_eq!(held.revision, 0);
}

#[test]
fn a_request_that_cannot_be_read_is_answered_by_its_number() {
    let mut keeper = Keeper::new();
    let client = keeper.greeted();
    let bad = serde_json::json!({ "id": 7, "request": { "teleport": {} } });
    (&client).write_all(&frame(&bad).unwrap()).unwrap();
    let refused = keeper.hear(&client).unwrap_err().to_string();
    assert!(refused.contains("teleport"), "{refused}");
    assert!(keeper.ask(&client, Request::Conditions).is_ok());
}

#[test]
fn garbage_has_a_client_go_and_leaves_the_others() {
    let good = call(Request::Conditions);
    let stream = Frame::Data {
        channel: 1,
        stream: protocol::control::Stream::Input,
        bytes: vec![1],
    };
    let mut data = Vec::new();
    stream.encode(&mut data);
    let too_long = u32::try_from(MAX_FRAME + 1).unwrap().to_be_bytes().to_vec();
    let mut unnumbered = Vec::new();
    Frame::Message(b"{}".to_vec()).encode(&mut unnumbered);
    for garbage in [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        data,
        too_long,
        unnumbered,
    ] {
        let mut keeper = Keeper::new();
        let (bad, other) = (keeper.greeted(), keeper.greeted());
        bad.set_nonblocking(false).unwrap();
        (&bad).write_all(&garbage).unwrap();
        keeper.serve();
        assert!(has_hung_up(&bad), "{garbage:?}");
        (&other).write_all(&good).unwrap();
        assert!(keeper.hear(&other).is_ok());
    }
}

#[test]
fn a_stranger_gets_little_room_before_it_is_greeted() {
    let mut keeper = Keeper::new();
    let client = keeper.connect();
    let mut long = u32::try_from(MAX_FRAME).unwrap().to_be_bytes().to_vec();
    long.resize(4 << 10, 0);
    (&client).write_all(&long).unwrap();
    keeper.serve();
    assert!(has_hung_up(&client));
}

#[test]
fn half_a_frame_holds_up_nobody_and_is_answered_once_it_is_whole() {
    let mut keeper = Keeper::new();
    let (slow, other) = (keeper.greeted(), keeper.greeted());
    let whole = call(lossy(5.0));
    for byte in &whole[..whole.len() - 1] {
        (&slow).write_all(&[*byte]).unwrap();
        keeper.serve();
    }
    let Ok(Reply::Conditions(held)) = keeper.ask(&other, Request::Conditions) else {
        panic!("no conditions");
    };
    assert_eq!(held.revision, 0);
    (&slow).write_all(&whole[whole.len() - 1..]).unwrap();
    assert_eq!(keeper.hear(&slow), Ok(Reply::Changed { revision: 1 }));
}

/// It sends as long as it is read from, and reads nothing.
#[test]
fn a_flood_that_reads_nothing_holds_up_nobody_and_fills_no_memory() {
    let mut keeper = Keeper::new();
    let (flood, other) = (keeper.greeted(), keeper.greeted());
    let requests = call(Request::Conditions).repeat(1000);
    flood.set_nonblocking(true).unwrap();
    let mut sent = 0;
    let mut refused = 0;
    while refused < 1000 {
        match (&flood).write(&requests) {
            Ok(length) => (sent, refused) = (sent + length, 0),
            Err(_) => refused += 1,
        }
        keeper.serve();
    }
    // As much as the kernel and one buffer hold, and no more.
    assert!(sent < 4 << 20, "{sent} bytes were taken");
    assert!(keeper.ask(&other, lossy(5.0)).is_ok());
}

#[test]
fn a_request_left_in_the_buffer_is_not_slept_over() {
    let mut keeper = Keeper::new();
    let client = keeper.greeted();
    assert_eq!(keeper.clients.patience(), PollTimeout::NONE);
    let two = [call(lossy(1.0)), call(lossy(2.0))].concat();
    (&client).write_all(&two).unwrap();
    keeper.serve();
    assert_eq!(keeper.clients.patience(), PollTimeout::ZERO);
    keeper.serve();
    assert_eq!(keeper.clients.patience(), PollTimeout::NONE);
}

#[test]
fn where_there_is_no_room_the_quiet_make_some() {
    let mut keeper = Keeper::new();
    let good = keeper.greeted();
    let before_the_first = Instant::now();
    let silent: Vec<_> = (0..MOST).map(|_| keeper.connect()).collect();
    while keeper.clients.clients.len() > MOST {
        keeper.serve();
    }
    let waited = before_the_first.elapsed();
    assert!(waited >= Duration::from_millis(100), "hastily: {waited:?}");
    assert!(has_hung_up(&silent[0]), "the first has been quiet longest");
    // One that was greeted stays, and a newcomer is let in.
    assert!(keeper.ask(&good, Request::Conditions).is_ok());
    drop(keeper.greeted());
}

#[test]
fn a_process_of_the_lab_is_refused() {
    let mut keeper = Keeper::new();
    // As a node's, this one's number is known here.
    let client = UnixStream::connect(keeper.folder.path().join(SOCKET)).unwrap();
    (&client)
        .write_all(&call(Request::Hello { version: VERSION }))
        .unwrap();
    keeper.serve();
    assert!(keeper.clients.clients.is_empty());
    let ended = (&client).read(&mut [0]);
    assert!(!matches!(ended, Ok(1..)), "{ended:?}");
}

#[test]
fn conditions_that_could_not_be_told_are_refused() {
    let mut keeper = Keeper::new();
    let ports: Vec<_> = (0..9_000)
        .map(|number| {
            format!("n{number}:eth0 egress")
                .parse::<LinkId>()
                .unwrap()
                .port
        })
        .collect();
    keeper.service = Service::new(LinkTable::new(&ports));
    let client = keeper.greeted();
    client.set_nonblocking(false).unwrap();
    let mut last = Ok(Reply::Changed { revision: 0 });
    for some in ports.chunks(1_000) {
        let conditions = Conditions {
            loss: Percent(1.0),
            ..Conditions::default()
        };
        let all = some.iter().map(|port| LinkId {
            port: port.clone(),
            ..egress()
        });
        let change = Change::Merge(all.map(|link| (link, conditions)).collect());
        let bytes = call(Request::Change(change));
        let mut rest = bytes.as_slice();
        client.set_nonblocking(true).unwrap();
        while !rest.is_empty() {
            let sent = (&client).write(rest).unwrap_or_default();
            rest = &rest[sent..];
            keeper.serve();
        }
        last = keeper.hear(&client);
        if last.is_err() {
            break;
        }
    }
    let refused = last.unwrap_err().to_string();
    assert!(refused.contains("impair fewer links"), "{refused}");
    assert!(keeper.ask(&client, Request::Conditions).is_ok());
}

#[test]
fn a_greeting_that_cannot_be_read_is_none() {
    let mut keeper = Keeper::new();
    let client = keeper.connect();
    let bad = serde_json::json!({ "id": 7, "request": { "hello": {} } });
    (&client).write_all(&frame(&bad).unwrap()).unwrap();
    assert!(matches!(keeper.hear(&client), Err(Refusal::Invalid { .. })));
    client.set_nonblocking(false).unwrap();
    assert!(has_hung_up(&client));
}
