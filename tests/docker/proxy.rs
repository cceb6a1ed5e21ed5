//! An engine's socket with somebody in between, who sees every request and may upset one.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// The socket of an engine of this machine. Each request that makes, plugs in, starts or attaches
/// something is counted.
pub(crate) struct Proxy {
    socket: PathBuf,
    shared: Arc<Shared>,
}

/// What happens to the request with a certain number, the first being 0.
pub(crate) enum Upset {
    /// Nothing.
    Nothing,
    /// The engine seems to say no to it, with this message.
    Refused(usize, &'static str),
    /// It is told of, and held until it is let go.
    Held(usize),
}

struct Shared {
    upset: Upset,
    seen: Mutex<Vec<String>>,
    held: SyncSender<SyncSender<()>>,
    talks: Mutex<Vec<JoinHandle<()>>>,
}

/// A request on its way to the engine.
pub(crate) struct Held(SyncSender<()>);

impl Held {
    /// Lets it go on.
    pub(crate) fn let_go(self) {
        self.0.send(()).unwrap();
    }
}

/// Where requests are held.
pub(crate) struct Gate(Receiver<SyncSender<()>>);

impl Gate {
    /// Waits until the request is there that is to be held.
    pub(crate) fn wait(&self) -> Held {
        Held(self.0.recv_timeout(PATIENCE).unwrap())
    }
}

impl Proxy {
    /// Listens in `folder`.
    pub(crate) fn start(folder: &Path, upset: Upset) -> (Self, Gate) {
        let socket = folder.join("engine.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let (held, gate) = sync_channel(1);
        let shared = Arc::new(Shared {
            upset,
            seen: Mutex::default(),
            held,
            talks: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        // It ends with the test program.
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, shared) = (client.unwrap(), Arc::clone(&accepting));
                // A client that was killed breaks off.
                let talk = thread::spawn(move || drop(shared.talk(client)));
                accepting.talks.lock().unwrap().push(talk);
            }
        });
        (Self { socket, shared }, Gate(gate))
    }

    /// The address, as `DOCKER_HOST` has it.
    pub(crate) fn host(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// The requests that were counted.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// Waits until the engine has answered all requests.
    pub(crate) fn settled(&self) {
        let talks = std::mem::take(&mut *self.shared.talks.lock().unwrap());
        for talk in talks {
            talk.join().unwrap();
        }
    }
}

impl Shared {
    /// Carries one request, and the stream that may come of it.
    fn talk(&self, mut client: UnixStream) -> io::Result<()> {
        let mut reader = BufReader::new(client.try_clone()?);
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if reader.read_until(b'\n', &mut head)? == 0 {
                return Ok(());
            }
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        if let Some(number) = self.count(&head) {
            match self.upset {
                Upset::Refused(at, message) if at == number => {
                    return refuse(&mut client, reader, message);
                }
                Upset::Held(at) if at == number => self.hold(),
                _ => {}
            }
        }
        let mut engine = UnixStream::connect(ENGINE)?;
        engine.write_all(alone(&head).as_bytes())?;
        engine.write_all(reader.buffer())?;
        let (mut from_engine, mut to_client) = (engine.try_clone()?, client.try_clone()?);
        let back = thread::spawn(move || {
            let copied = io::copy(&mut from_engine, &mut to_client);
            drop(to_client.shutdown(Shutdown::Write));
            // A client that is gone does not hold the engine's answer back: it is read to its end.
            copied.or_else(|_| io::copy(&mut from_engine, &mut io::sink()))
        });
        drop(io::copy(&mut client, &mut engine));
        drop(engine.shutdown(Shutdown::Write));
        if is_stream(&head) {
            // Nobody waits for what a stream still brings to a client that is gone.
            wait_until_closed(&client)?;
            drop(engine.shutdown(Shutdown::Both));
        }
        back.join().unwrap().map(drop)
    }

    /// The number of a request that makes something.
    fn count(&self, head: &str) -> Option<usize> {
        let line = head.lines().next()?;
        let makes = ["/create?", "/create ", "/connect ", "/attach?", "/start "];
        if !line.starts_with("POST /") || !makes.iter().any(|word| line.contains(word)) {
            return None;
        }
        let mut seen = self.seen.lock().unwrap();
        seen.push(line.to_owned());
        Some(seen.len() - 1)
    }

    fn hold(&self) {
        let (go, may_go) = sync_channel(1);
        self.held.send(go).unwrap();
        // Or whoever holds it has given up.
        let _ = may_go.recv();
    }
}

/// The same request as the only one of its connection, unless that becomes a stream.
fn alone(head: &str) -> String {
    if is_stream(head) {
        return head.to_owned();
    }
    let lines = head.split("\r\n").filter(|line| !line.is_empty());
    let lines = lines.filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
    let kept: Vec<&str> = lines.collect();
    format!("{}\r\nConnection: close\r\n\r\n", kept.join("\r\n"))
}

/// Whether the connection becomes a stream.
fn is_stream(head: &str) -> bool {
    head.to_ascii_lowercase().contains("\r\nupgrade:")
}

/// Waits until the other end is closed in both directions.
fn wait_until_closed(end: &UnixStream) -> io::Result<()> {
    // A hang-up is told of without being asked for: poll(2).
    let mut ends = [PollFd::new(end.as_fd(), PollFlags::empty())];
    poll(&mut ends, PollTimeout::NONE)?;
    Ok(())
}

fn refuse(client: &mut UnixStream, reader: BufReader<UnixStream>, message: &str) -> io::Result<()> {
    let body = format!("{{\"message\":\"{message}\"}}");
    write!(
        client,
        "HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    client.shutdown(Shutdown::Write)?;
    // Until the client has read it, and closes.
    io::copy(&mut reader.into_inner().take(LONGEST), &mut io::sink()).map(drop)
}

/// Where the engine of this machine is.
pub(crate) const ENGINE: &str = "/var/run/docker.sock";
const PATIENCE: std::time::Duration = std::time::Duration::from_mins(1);
const LONGEST: u64 = 1 << 20;
