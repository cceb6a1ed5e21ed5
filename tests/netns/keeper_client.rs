//! The other processes that speak to a keeper: this program again, as whom a trial plays.

use std::env;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

use orchestrator::backend::netns::NetnsBackend;
use orchestrator::backend::{Backend, BackendKind, Fabric, LabHandle};
use orchestrator::lab::StateDir;
use protocol::frame::{Frame, MAX_FRAME};
use protocol::keeper::channel::{Call, Message, Refusal, Request, SOCKET, VERSION, frame};
use protocol::link::{Change, Conditions, LinkId};
use protocol::unit::Percent;

/// The first word of such a process.
pub(crate) const COMMAND: &str = "keeper-client";

/// Does what the command line asks for; `None` where it asks for none of this.
pub(crate) fn run_alone() -> Option<ExitCode> {
    let words: Vec<String> = env::args().collect();
    let words: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
    let [COMMAND, state, rest @ ..] = words.as_slice() else {
        return None;
    };
    let state = Path::new(state);
    match rest {
        ["read"] => said(read(state)),
        ["set", link, loss] => said(set(state, link, loss)),
        ["misbehave", kind] => misbehave(&socket(state), kind),
        _ => panic!("{rest:?}"),
    }
    Some(ExitCode::SUCCESS)
}

/// Prints what came of something, and the error as the command under test would.
fn said(outcome: Result<String, String>) {
    match outcome {
        Ok(text) => print(&text),
        Err(text) => print(&format!("error: {text}")),
    }
}

fn print(text: &str) {
    let line = format!("{text}\n");
    std::io::stdout().write_all(line.as_bytes()).unwrap();
}

#[tokio::main(flavor = "current_thread")]
async fn read(state: &Path) -> Result<String, String> {
    let held = attach(state).await.conditions().await;
    let held = held.map_err(|error| error.to_string())?.unwrap();
    Ok(serde_json::to_string(&held).unwrap())
}

#[tokio::main(flavor = "current_thread")]
async fn set(state: &Path, link: &str, loss: &str) -> Result<String, String> {
    let link: LinkId = link.parse().unwrap();
    let change = Change::Merge([(link, lossy(loss.parse().unwrap()))].into());
    let revision = attach(state).await.change_conditions(change).await;
    Ok(revision
        .map_err(|error| error.to_string())?
        .unwrap()
        .to_string())
}

async fn attach(state: &Path) -> Box<dyn Fabric> {
    let folders = StateDir::open(state.to_owned()).unwrap().folders().unwrap();
    let folder = folders.first().unwrap();
    // A lab that is not kept has no record; what leads to its keeper is its name alone.
    let handle = match folder.record().unwrap() {
        Some(record) => record.handle,
        None => LabHandle {
            lab: folder.lab().clone(),
            backend: BackendKind::Netns,
            nodes: Vec::new(),
            hosts: [].into(),
        },
    };
    let backend = NetnsBackend::new(state.to_owned(), "node".into());
    backend.attach(&handle).await.unwrap()
}

fn lossy(share: f64) -> Conditions {
    Conditions {
        loss: Percent(share),
        ..Conditions::default()
    }
}

/// The socket of the only lab's keeper.
pub(crate) fn socket(state: &Path) -> PathBuf {
    let labs = state.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let mut sockets = labs.map(|lab| lab.join("nodes").join(SOCKET));
    sockets.find(|path| path.exists()).unwrap()
}

/// Connects badly, says so, and goes on until standard input ends.
fn misbehave(socket: &Path, kind: &str) {
    let _kept: Vec<UnixStream> = match kind {
        "half" => vec![greet(socket, |stream| {
            let whole = call(Request::Conditions);
            stream.write_all(&whole[..whole.len() / 2]).unwrap();
        })],
        "flood" => vec![greet(socket, |stream| {
            // It is taken as much of as fits, and the rest waits for ever.
            let mut stream = stream.try_clone().unwrap();
            let requests = call(Request::Conditions).repeat(10_000);
            thread::spawn(move || while stream.write_all(&requests).is_ok() {});
        })],
        "garbage" => (0..100).map(|number| garbage(socket, number)).collect(),
        "version" => vec![version(socket)],
        "crowd" => {
            plumbing::descriptor::raise_limit().unwrap();
            (0..1000)
                .map(|_| UnixStream::connect(socket).unwrap())
                .collect()
        }
        _ => panic!("{kind}"),
    };
    print(kind);
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

fn call(request: Request) -> Vec<u8> {
    frame(&Call { id: 7, request }).unwrap()
}

fn greet(socket: &Path, then: impl FnOnce(&mut UnixStream)) -> UnixStream {
    let mut stream = UnixStream::connect(socket).unwrap();
    let hello = Request::Hello { version: VERSION };
    stream.write_all(&call(hello)).unwrap();
    assert!(stream.read(&mut [0; 1 << 10]).unwrap() > 0);
    then(&mut stream);
    stream
}

/// It must be hung up on at once.
fn garbage(socket: &Path, number: u8) -> UnixStream {
    let mut bytes = match number % 3 {
        0 => b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        1 => vec![number; 4 << 10],
        _ => u32::try_from(MAX_FRAME).unwrap().to_be_bytes().to_vec(),
    };
    bytes.resize(4 << 10, number);
    let mut stream = UnixStream::connect(socket).unwrap();
    // The keeper may hang up before it has read all of it.
    let _ = stream.write_all(&bytes);
    assert!(!matches!(stream.read(&mut [0]), Ok(1..)));
    stream
}

fn version(socket: &Path) -> UnixStream {
    let mut stream = UnixStream::connect(socket).unwrap();
    let version = VERSION + 1;
    stream.write_all(&call(Request::Hello { version })).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let Some((Frame::Message(json), _)) = Frame::decode(&answer).unwrap() else {
        panic!("{answer:?}");
    };
    let Message::Reply { id, result } = serde_json::from_slice(&json).unwrap();
    let refused = Refusal::Version {
        keeper: VERSION,
        client: version,
    };
    assert_eq!((id, result), (7, Err(refused)));
    stream
}
