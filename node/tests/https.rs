//! Downloads over TLS, from servers whose certificates are good and bad.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

#[test]
fn a_server_is_believed_whose_signer_is_trusted() {
    let home = tempfile::tempdir().unwrap();
    let authority = Authority::new(home.path(), "own.pem");
    let server = Server::start(authority.signs(&["127.0.0.1"], 2999), vec![image()]);
    let fetched = fetch(home.path(), &server.url(), &authority.file, &[]);
    assert!(fetched.status.success(), "{fetched:?}");
    assert_eq!(fs::read(home.path().join("a.png")).unwrap(), b"image");
    assert_eq!(server.asked(), [true]);
}

#[test]
fn what_is_wrong_with_a_certificate_is_told() {
    let home = tempfile::tempdir().unwrap();
    let authority = Authority::new(home.path(), "own.pem");
    let stranger = Authority::new(home.path(), "stranger.pem");
    let cases = [
        (&authority, "127.0.0.1", 2001, "has expired"),
        (&authority, "example.org", 2999, "is for other names"),
        (
            &stranger,
            "127.0.0.1",
            2999,
            "is signed by nobody whom the node trusts",
        ),
    ];
    for (signer, name, until, told) in cases {
        let server = Server::start(signer.signs(&[name], until), vec![image()]);
        let refused = reason(&fetch(home.path(), &server.url(), &authority.file, &[]));
        let expected = format!("a: the certificate of 127.0.0.1 {told}");
        assert!(refused.contains(&expected), "{refused}");
        assert!(!home.path().join("a.png").exists());
        assert_eq!(server.asked(), [false], "nothing is asked of {told}");
    }
}

#[test]
fn authorities_that_cannot_be_read_are_told() {
    let home = tempfile::tempdir().unwrap();
    let authority = Authority::new(home.path(), "own.pem");
    let empty = home.path().join("empty.pem");
    fs::write(&empty, "no certificate").unwrap();
    for (file, told) in [
        (empty, "it holds no certificate"),
        (home.path().join("absent.pem"), "No such file"),
    ] {
        let server = Server::start(authority.signs(&["127.0.0.1"], 2999), vec![image()]);
        let refused = reason(&fetch(home.path(), &server.url(), &file, &[]));
        assert!(
            refused.contains("cannot trust what") && refused.contains(told),
            "{refused}"
        );
        server.asked();
    }
}

#[test]
fn a_server_that_speaks_no_tls_is_told() {
    let home = tempfile::tempdir().unwrap();
    let authority = Authority::new(home.path(), "own.pem");
    let plain = Plain::start(image());
    let refused = reason(&fetch(
        home.path(),
        &plain.url("https"),
        &authority.file,
        &[],
    ));
    assert!(
        refused.contains("cannot speak TLS with 127.0.0.1"),
        "{refused}"
    );
    plain.end();
}

#[test]
fn redirections_lead_to_tls_and_away_only_where_asked() {
    let home = tempfile::tempdir().unwrap();
    let authority = Authority::new(home.path(), "own.pem");
    let server = || Server::start(authority.signs(&["127.0.0.1"], 2999), vec![image()]);

    let secure = server();
    let plain = Plain::start(moved(&secure.url()));
    let fetched = fetch(home.path(), &plain.url("http"), &authority.file, &[]);
    assert!(fetched.status.success(), "{fetched:?}");
    secure.asked();
    plain.end();

    fs::remove_file(home.path().join("a.png")).unwrap();
    for (more, comes) in [
        (&[][..], false),
        (&["--downgrade", "b"], false),
        (&["--downgrade", "a"], true),
    ] {
        let plain = Plain::start(image());
        let away = vec![moved(&plain.url("http"))];
        let secure = Server::start(authority.signs(&["127.0.0.1"], 2999), away);
        let fetched = fetch(home.path(), &secure.url(), &authority.file, more);
        assert_eq!(fetched.status.success(), comes, "{fetched:?}");
        assert_eq!(home.path().join("a.png").exists(), comes);
        if !comes {
            let refused = reason(&fetched);
            assert!(
                refused.contains("anybody on the way can read and change"),
                "{refused}"
            );
        }
        secure.asked();
        plain.end();
    }
}

fn image() -> String {
    "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 5\r\n\r\nimage".to_owned()
}

fn moved(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
}

fn fetch(home: &Path, url: &str, authorities: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_node"))
        .args(["download", "--file", &format!("a={url}"), "--directory"])
        .arg(home)
        .args(more)
        .env("SSL_CERT_FILE", authorities)
        .output()
        .unwrap()
}

fn reason(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Somebody who signs certificates.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// The certificate that says so.
    file: PathBuf,
}

impl Authority {
    fn new(home: &Path, name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let file = home.join(name);
        fs::write(&file, params.self_signed(&key).unwrap().pem()).unwrap();
        let issuer = Issuer::new(params, key);
        Self { issuer, file }
    }

    /// A certificate for these names, until the beginning of that year.
    fn signs(&self, names: &[&str], until: i32) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let signed = params.signed_by(&key, &self.issuer).unwrap();
        let chain: Vec<CertificateDer<'static>> = vec![signed.der().clone()];
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap()
    }
}

/// A server that gives these answers, one a connection, and closes each.
struct Server {
    port: u16,
    served: JoinHandle<Vec<bool>>,
}

impl Server {
    fn start(config: ServerConfig, answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let config = Arc::new(config);
        let served = thread::spawn(move || {
            let answer = |answer: String| {
                let (stream, _) = listener.accept().unwrap();
                let session = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut stream = BufReader::new(StreamOwned::new(session, stream));
                let asked = heard(&mut stream);
                let stream = stream.get_mut();
                // A client that does not believe the certificate has left.
                let _ = stream.write_all(answer.as_bytes());
                stream.conn.send_close_notify();
                let _ = stream.flush();
                asked
            };
            answers.into_iter().map(answer).collect()
        });
        Self { port, served }
    }

    fn url(&self) -> String {
        format!("https://127.0.0.1:{}/a", self.port)
    }

    /// Whether each connection brought a request.
    fn asked(self) -> Vec<bool> {
        // Where nobody has come, somebody must, or it waits for ever.
        drop(std::net::TcpStream::connect(("127.0.0.1", self.port)));
        self.served.join().unwrap()
    }
}

/// A server without TLS that gives one answer.
struct Plain {
    port: u16,
    served: JoinHandle<()>,
}

impl Plain {
    fn start(answer: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            // Whatever comes, and be it no HTTP.
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        });
        Self { port, served }
    }

    fn url(&self, scheme: &str) -> String {
        format!("{scheme}://127.0.0.1:{}/a", self.port)
    }

    fn end(self) {
        // Where nobody has come, somebody must, or it waits for ever.
        drop(std::net::TcpStream::connect(("127.0.0.1", self.port)));
        self.served.join().unwrap();
    }
}

/// Reads a request to its end; whether there was one.
fn heard(stream: &mut impl BufRead) -> bool {
    let mut lines = 0;
    loop {
        let mut line = Vec::new();
        match stream.read_until(b'\n', &mut line) {
            Ok(1..) if line == b"\r\n" => return lines > 0,
            Ok(1..) => lines += 1,
            Ok(0) | Err(_) => return false,
        }
    }
}
