//! The client of a scripted conversation, with servers of every kind at the other end.

use std::fs;
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;

use protocol::conversation::{Order, ReplyRecord, Request};
use protocol::role::RoleEvent;
use protocol::stress::Workers;
use tempfile::TempDir;

use crate::python::Python;
use crate::server::Server;

/// `node converse`, with a folder of its own.
struct Dialogue {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    home: TempDir,
    next: u32,
}

impl Dialogue {
    fn begin(server: &str, connection: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_node"))
            .args(["converse", "--server", server, "--connection", connection])
            .arg("--directory")
            .arg(home.path().join("came"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut dialogue = Self {
            child,
            lines,
            home,
            next: 0,
        };
        assert_eq!(dialogue.event(), RoleEvent::Ready);
        dialogue
    }

    fn event(&mut self) -> RoleEvent {
        let line = self.lines.next().expect("it goes on").unwrap();
        serde_json::from_str(&line).expect("every line is an event")
    }

    fn ask(&mut self, request: Request) -> ReplyRecord {
        self.ask_within(request, 20_000)
    }

    fn ask_within(&mut self, request: Request, within_ms: u64) -> ReplyRecord {
        let order = Order {
            number: self.next,
            request,
            within_ms,
        };
        self.next += 1;
        let line = serde_json::to_string(&order).unwrap() + "\n";
        let input = self.child.stdin.as_mut().unwrap();
        input.write_all(line.as_bytes()).unwrap();
        match self.event() {
            RoleEvent::Replied(record) => {
                assert_eq!(record.number, order.number);
                record
            }
            other => panic!("it printed {other:?}"),
        }
    }

    fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.home.path().join(name);
        fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    /// Where the content goes that comes with a record.
    fn came(&self, record: &ReplyRecord) -> PathBuf {
        self.home.path().join(format!("came/{}", record.number))
    }

    fn end(mut self) {
        drop(self.child.stdin.take());
        assert!(self.lines.next().is_none());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Dialogue {
    fn drop(&mut self) {
        // It has mostly ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn name(text: &str) -> String {
    text.to_owned()
}

fn content(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}

/// Every command, with what must come of it at any server that speaks as the labs' do.
fn converse_with(address: &str, connection: &str, lengths: &[usize]) {
    let mut dialogue = Dialogue::begin(address, connection);
    let reply = dialogue.ask(Request::List);
    assert_eq!(reply.names, Some(vec![]), "{reply:?}");
    for &length in lengths {
        let file = dialogue.file("up", &content(length));
        let reply = dialogue.ask(Request::Upload {
            name: name("two words.bin"),
            file,
        });
        assert!(reply.is_ok(), "{reply:?}");
        assert_eq!(reply.words, "two words.bin has been uploaded");
        let sent = reply.sent.unwrap();
        let hash = blake3::hash(&content(length)).to_string();
        assert_eq!((sent.bytes, &sent.blake3), (length as u64, &hash));
        for request in [Request::Get, Request::Download] {
            let reply = dialogue.ask(request(name("two words.bin")));
            assert_eq!(reply.content.as_ref(), Some(&sent), "{reply:?}");
            assert!(reply.is_ok() && fs::read(dialogue.came(&reply)).unwrap() == content(length));
        }
    }
    let reply = dialogue.ask(Request::List);
    assert_eq!(reply.names, Some(vec![name("two words.bin")]));
    let reply = dialogue.ask(Request::Delete(name("two words.bin")));
    assert!(reply.is_ok() && reply.words.contains("has been deleted"));
    for request in [
        Request::Get(name("two words.bin")),
        Request::Delete(name("../up")),
        Request::Raw(name("NONSENSE\r\n")),
    ] {
        let reply = dialogue.ask(request);
        assert_eq!(reply.status.as_deref(), Some("ERROR"), "{reply:?}");
        assert!(!reply.words.is_empty() && reply.failure.is_none());
        assert!(!dialogue.came(&reply).exists());
    }
    let reply = dialogue.ask(Request::List);
    let connections = if connection == "shared" {
        1
    } else {
        dialogue.next
    };
    assert_eq!((reply.names, reply.connection), (Some(vec![]), connections));
    dialogue.end();
}

#[test]
fn every_command_is_given_to_our_server() {
    for model in Workers::ALL {
        for connection in ["shared", "per-command"] {
            let server = Server::start(model, 2, &[]);
            converse_with(server.address(), connection, &[0, 1, 49_152, 300_000]);
            let record = server.end().record;
            assert!(record.connections_failed.is_empty(), "{record:?}");
        }
    }
}

#[test]
fn every_command_is_given_to_a_python_server() {
    for connection in ["shared", "per-command"] {
        let home = tempfile::tempdir().unwrap();
        let (_server, address) = Python::serve("thread", home.path());
        converse_with(&address, connection, &[1, 49_152, 300_000]);
    }
}

#[test]
fn a_line_goes_out_as_it_is() {
    let server = Server::start(Workers::Thread, 1, &["--silence", "20ms"]);
    fs::write(server.path("a.txt"), b"content").unwrap();
    let mut dialogue = Dialogue::begin(server.address(), "per-command");
    let reply = dialogue.ask(Request::Raw(name("list")));
    assert_eq!(reply.names, Some(vec![name("a.txt")]));
    let reply = dialogue.ask(Request::Raw(name("get a.txt\n")));
    assert_eq!(fs::read(dialogue.came(&reply)).unwrap(), b"content");
    let reply = dialogue.ask(Request::Upload {
        name: name("b.txt"),
        file: name("/does/not/exist"),
    });
    let failure = reply.failure.unwrap();
    assert!(failure.contains("/does/not/exist"), "{failure}");
    dialogue.end();
}

/// A server that does the same with every connection.
fn bad_server(mut serve: impl FnMut(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            serve(stream.unwrap());
        }
    });
    address
}

/// One that reads a line and answers so, then ends the connection.
fn answering(reply: &'static [u8]) -> String {
    bad_server(move |mut stream| {
        let mut line = String::new();
        // The client may have gone.
        let _ = BufReader::new(stream.try_clone().unwrap()).read_line(&mut line);
        let _ = stream.write_all(reply);
        let _ = stream.shutdown(Shutdown::Write);
    })
}

#[test]
fn what_is_no_reply_is_named() {
    let file = |content: &str| format!("{{\"status\":\"OK\",\"data_file\":\"{content}");
    for (reply, failure) in [
        (String::new(), "the connection ended without a reply"),
        (name("HTTP/1.1 400\r\n"), "where a JSON object should be"),
        (file("Zm9v"), "the connection ended within the reply"),
        (file("Zm9*\"}\r\n\r\n"), "not base64"),
        (file("Zm9\"}\r\n\r\n"), "not base64"),
        (file("Zg==Zg==\"}\r\n\r\n"), "not base64"),
        (name("{\"data\": []}\r\n\r\n"), "the reply is not right"),
    ] {
        let mut dialogue = Dialogue::begin(&answering(reply.clone().leak().as_bytes()), "shared");
        // Each time anew: what has failed is no connection any more.
        for number in 1..3 {
            let record = dialogue.ask(Request::Get(name("a")));
            let found = record.failure.clone().unwrap_or_default();
            assert!(found.contains(failure), "{reply:?}: {record:?}");
            assert!(!record.is_ok() && record.connection == number);
        }
        dialogue.end();
    }
    // A reply that lacks only the empty line after it counts, whatever its status.
    for (reply, ok) in [
        (&b"{\"status\":\"ok\"}"[..], true),
        (b"{\"status\":\"no\"}", false),
    ] {
        let mut dialogue = Dialogue::begin(&answering(reply), "per-command");
        let record = dialogue.ask(Request::List);
        assert_eq!((record.is_ok(), record.failure.clone()), (ok, None));
    }
}

#[test]
fn no_command_takes_longer_than_it_may() {
    // It neither reads nor writes, and keeps the connection.
    let silent = || {
        let mut kept = Vec::new();
        bad_server(move |stream| kept.push(stream))
    };
    let (silent, deaf) = (silent(), silent());
    let slow = bad_server(|mut stream| {
        // A byte now and then is no progress to count on. It ends with its client.
        while stream.write_all(b" ").is_ok() {
            std::thread::park_timeout(std::time::Duration::from_millis(5));
        }
    });
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string()
    };
    for (address, failure) in [
        (&silent, "no reply within 100ms"),
        (&slow, "no reply within 100ms"),
        (&deaf, "no reply within 100ms"),
        (&nobody, "cannot connect"),
    ] {
        let mut dialogue = Dialogue::begin(address, "shared");
        let file = dialogue.file("big", &content(30 << 20));
        let request = if *address == deaf {
            Request::Upload {
                name: name("big"),
                file,
            }
        } else {
            Request::List
        };
        let began = Instant::now();
        let record = dialogue.ask_within(request, 100);
        let found = record.failure.unwrap();
        assert!(found.contains(failure), "{found}");
        assert!(began.elapsed().as_secs() < 20);
        dialogue.end();
    }
}

#[test]
fn why_an_upload_is_not_heard_to_its_end_is_told() {
    let server = bad_server(|mut stream| {
        let mut head = [0; 100];
        stream.read_exact(&mut head).unwrap();
        let _ = stream.write_all(b"{\"status\":\"ERROR\",\"data\":\"too long\"}\r\n\r\n");
        let _ = stream.shutdown(Shutdown::Write);
        // It takes the rest and throws it away, as one does who wants the reply to arrive.
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    let mut dialogue = Dialogue::begin(&server, "shared");
    let file = dialogue.file("big", &content(20 << 20));
    let record = dialogue.ask(Request::Upload {
        name: name("big"),
        file,
    });
    assert_eq!((record.is_ok(), record.words.as_str()), (false, "too long"));
    dialogue.end();
}

#[test]
fn memory_stays_small_however_long_contents_are() {
    let server = Server::start(Workers::Thread, 1, &[]);
    let mut dialogue = Dialogue::begin(server.address(), "shared");
    let file = dialogue.file("big", &content(60 << 20));
    let request = Request::Upload {
        name: name("big.bin"),
        file,
    };
    assert!(dialogue.ask(request).is_ok());
    let came = dialogue.ask(Request::Get(name("big.bin")));
    assert_eq!(
        came.content.as_ref().map(|moved| moved.bytes),
        Some(60 << 20)
    );
    let peak = crate::server::peak_memory(dialogue.child.id());
    assert!(peak < 16 << 10, "{peak} kB");
    dialogue.end();
}

#[test]
fn what_is_no_order_ends_it() {
    let mut dialogue = Dialogue::begin("127.0.0.1:9", "shared");
    let input = dialogue.child.stdin.as_mut().unwrap();
    input.write_all(b"LIST\n").unwrap();
    let RoleEvent::Failed { reason } = dialogue.event() else {
        panic!("it goes on");
    };
    assert!(reason.contains("127.0.0.1:9"), "{reason}");
    assert_eq!(dialogue.child.wait().unwrap().code(), Some(1));
}
