//! The roles that serve and fetch files over HTTP, against each other and against servers that
//! misbehave.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops where it fails"
)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};

use protocol::role::RoleEvent;
use protocol::task::DownloadRecord;

#[test]
fn what_an_origin_serves_is_fetched_and_named_by_its_key_and_type() {
    let home = tempfile::tempdir().unwrap();
    let served = home.path().join("served");
    fs::create_dir(&served).unwrap();
    let content: Vec<u8> = (0..1_500_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    for (name, length) in [("a.JPEG", 1_500_000), ("b.png", 0), ("c d.zip", 7)] {
        fs::write(served.join(name), &content[..length]).unwrap();
    }
    let origin = Origin::start(&served);
    let at = |key: &str, path: &str| format!("{key}=http://127.0.0.1:{}/{path}", origin.port);
    let fetched = home.path().join("fetched");
    let wanted = [at("kompas", "a.JPEG"), at("detik", "b.png")];
    let records = download(&fetched, &wanted, &[]).unwrap();
    let told: Vec<_> = records
        .iter()
        .map(|r| {
            (
                r.key.as_str(),
                r.name.as_str(),
                r.content_type.as_str(),
                r.bytes,
            )
        })
        .collect();
    let expected = [
        ("kompas", "kompas.jpg", "image/jpeg", 1_500_000),
        ("detik", "detik.png", "image/png", 0),
    ];
    assert_eq!(told, expected);
    assert!(fs::read(fetched.join("kompas.jpg")).unwrap() == content);
    assert_eq!(fs::read(fetched.join("detik.png")).unwrap(), b"");
    assert_eq!(fs::read_dir(fetched).unwrap().count(), 2);
}

#[test]
fn an_origin_gives_nothing_but_its_files() {
    let home = tempfile::tempdir().unwrap();
    let served = home.path().join("served");
    fs::create_dir(&served).unwrap();
    fs::write(served.join("a.png"), b"image").unwrap();
    fs::write(home.path().join("secret.png"), b"secret").unwrap();
    let origin = Origin::start(&served);
    let ask = |request: &str| {
        let mut stream = TcpStream::connect(("127.0.0.1", origin.port)).unwrap();
        let close = "Host: x\r\nConnection: close\r\n\r\n";
        write!(stream, "{request} HTTP/1.1\r\n{close}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let whole = ask("GET /a.png?x=y");
    assert!(
        whole.starts_with("HTTP/1.1 200") && whole.ends_with("\r\n\r\nimage"),
        "{whole}"
    );
    let head = ask("HEAD /a.png");
    assert!(
        head.starts_with("HTTP/1.1 200") && head.contains("content-length: 5"),
        "{head}"
    );
    assert!(head.ends_with("\r\n\r\n"), "{head}");
    for path in [
        "/",
        "/b.png",
        "/../secret.png",
        "/..",
        "/%2e%2e/secret.png",
        "//a.png",
    ] {
        let answer = ask(&format!("GET {path}"));
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
    assert!(ask("DELETE /a.png").starts_with("HTTP/1.1 405"));
    assert!(ask("nonsense").starts_with("HTTP/1.1 400"));
    assert!(ask("GET /a.png").starts_with("HTTP/1.1 200"));
}

#[test]
fn redirections_are_followed_to_their_end() {
    let home = tempfile::tempdir().unwrap();
    let answers = Answers::serve(vec![
        "HTTP/1.1 302 Found\r\nLocation: /elsewhere/x\r\nContent-Length: 0\r\n\r\n".into(),
        "HTTP/1.1 301 Moved\r\nLocation: y\r\nContent-Length: 0\r\n\r\n".into(),
        "HTTP/1.1 200 OK\r\nContent-Type: image/gif\r\nTransfer-Encoding: chunked\r\n\r\n\
         3\r\nGIF\r\n0\r\n\r\n"
            .into(),
    ]);
    let fetched = home.path().join("fetched");
    let records = download(&fetched, &[answers.url("a")], &[]).unwrap();
    assert!(
        records[0].url.ends_with("/elsewhere/y"),
        "{}",
        records[0].url
    );
    assert_eq!(fs::read(fetched.join("a.gif")).unwrap(), b"GIF");
    let asked = answers.asked();
    assert_eq!(
        asked,
        [
            "GET /a HTTP/1.1",
            "GET /elsewhere/x HTTP/1.1",
            "GET /elsewhere/y HTTP/1.1"
        ]
    );
}

#[test]
fn what_cannot_be_fetched_is_named_with_its_reason_and_leaves_nothing() {
    let short = "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 10\r\n\r\n12345";
    let long = short.replace("12345", "1234567890");
    let chunk = "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\n\
                 5\r\n123";
    let round = "HTTP/1.1 307 Again\r\nLocation: /a\r\nContent-Length: 0\r\n\r\n";
    let cases = [
        (
            vec!["HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned()],
            "answers 404",
        ),
        (
            vec!["HTTP/1.1 204 No Content\r\n\r\n".to_owned()],
            "answers 204",
        ),
        (
            vec!["HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n".to_owned()],
            "without saying where",
        ),
        (vec![round.to_owned(); 11], "redirects more than 10 times"),
        (
            vec![short.replace("image/png", "text/html")],
            "`text/html`, which is none of image/png",
        ),
        (vec![short.to_owned()], "breaks off after 5 of 10 bytes"),
        (vec![chunk.to_owned()], "/a: "),
        (
            vec![long.replace("image/png", "image/png\r\nContent-Encoding: gzip")],
            "comes encoded as gzip, though it was asked for as it is",
        ),
        (vec![long], "has more than 9 bytes"),
        (vec!["no HTTP at all\r\n\r\n".to_owned()], "/a: "),
        (vec![String::new()], "/a: "),
    ];
    for (answers, reason) in cases {
        let home = tempfile::tempdir().unwrap();
        let answers = Answers::serve(answers);
        let told = download(home.path(), &[answers.url("a")], &["--limit", "9"]).unwrap_err();
        assert!(told.starts_with("a: ") && told.contains(reason), "{told}");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0, "{told}");
        answers.asked();
    }
}

#[test]
fn a_server_that_is_silent_or_absent_is_waited_for_no_longer_than_told() {
    let home = tempfile::tempdir().unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = |listener: &TcpListener| format!("a=http://{}/a", listener.local_addr().unwrap());
    let told = download(home.path(), &[url(&silent)], &["--seconds", "1"]).unwrap_err();
    assert!(told.contains("has not been fetched within 1s"), "{told}");
    let absent = url(&silent);
    drop(silent);
    let told = download(home.path(), &[absent], &[]).unwrap_err();
    assert!(told.contains("cannot reach 127.0.0.1:"), "{told}");
    for bad in ["a=https:///a", "a=ftp://127.0.0.1/a", "a=/a", "a=http:///a"] {
        let mut command = command(home.path(), &[bad.to_owned()], &[]);
        let output = command.output().unwrap();
        assert!(!output.status.success(), "{bad}");
    }
}

/// An origin at work.
struct Origin {
    child: Child,
    port: u16,
}

impl Origin {
    fn start(directory: &Path) -> Self {
        let drawn = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = drawn.local_addr().unwrap().port();
        drop(drawn);
        let mut child = Command::new(env!("CARGO_BIN_EXE_node"))
            .args(["origin", "--port", &port.to_string(), "--directory"])
            .arg(directory)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        lines.read_line(&mut line).unwrap();
        assert_eq!(
            serde_json::from_str::<RoleEvent>(&line).unwrap(),
            RoleEvent::Ready
        );
        Self { child, port }
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        // It never ends by itself.
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// A server that gives these answers, one a connection, and closes each.
struct Answers {
    port: u16,
    served: JoinHandle<Vec<String>>,
}

impl Answers {
    fn serve(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = thread::spawn(move || {
            let answer = |answer: String| {
                let (mut stream, _) = listener.accept().unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let first = lines.next().unwrap().unwrap();
                let more: Vec<_> = lines
                    .map_while(Result::ok)
                    .take_while(|line| !line.is_empty())
                    .collect();
                assert!(
                    more.iter().any(|line| line == "accept-encoding: identity"),
                    "{more:?}"
                );
                // A client may have seen enough before the end.
                let _ = stream.write_all(answer.as_bytes());
                first
            };
            answers.into_iter().map(answer).collect()
        });
        Self { port, served }
    }

    fn url(&self, key: &str) -> String {
        format!("{key}=http://127.0.0.1:{}/{key}", self.port)
    }

    /// The first lines of the requests.
    fn asked(self) -> Vec<String> {
        self.served.join().unwrap()
    }
}

fn command(directory: &Path, wanted: &[String], more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_node"));
    command
        .arg("download")
        .arg("--directory")
        .arg(directory)
        .args(more);
    command.args(wanted.iter().flat_map(|file| ["--file", file]));
    command
}

/// What was fetched, or why not.
fn download(
    directory: &Path,
    wanted: &[String],
    more: &[&str],
) -> Result<Vec<DownloadRecord>, String> {
    let output = command(directory, wanted, more).output().unwrap();
    let mut records = Vec::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        match serde_json::from_str(line).unwrap() {
            RoleEvent::Downloaded(record) => records.push(record),
            RoleEvent::Failed { reason } => {
                assert_eq!(output.status.code(), Some(1));
                return Err(reason);
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(output.status.success());
    Ok(records)
}
