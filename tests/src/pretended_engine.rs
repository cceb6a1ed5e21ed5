//! An engine that is none: it answers some requests as Docker does, and is silent on the others.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// An answer to a request, once a time has passed: status, body.
pub type Answer = Option<(Duration, u16, &'static str)>;

/// Answers requests on a socket until the test program ends. A request is its first line without the version of the
/// interface: `GET /networks`. One that is not answered is left open.
///
/// # Panics
/// If it cannot listen there.
pub fn start(socket: &Path, answer: impl Fn(&str) -> Answer + Send + Sync + 'static) {
    let listener = UnixListener::bind(socket).unwrap();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            // A client may go at any time.
            thread::spawn(move || drop(talk(client, answer.as_ref())));
        }
    });
}

/// The answers of an engine that tells who it is, and nothing else.
pub fn greets(request: &str) -> Answer {
    match request {
        "GET /version" => at_once(VERSION),
        "GET /_ping" => at_once("OK"),
        _ => None,
    }
}

/// The answers of an engine that can be listed, and has nothing.
pub fn lists(request: &str) -> Answer {
    match request {
        "GET /networks" | "GET /containers/json" | "GET /images/json" => at_once("[]"),
        _ => greets(request),
    }
}

/// An answer with status 200.
pub fn at_once(body: &'static str) -> Answer {
    Some((Duration::ZERO, 200, body))
}

fn talk(mut client: UnixStream, answer: &dyn Fn(&str) -> Answer) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    while let Some((request, length)) = head(&mut reader)? {
        io::copy(&mut reader.by_ref().take(length), &mut io::sink())?;
        let Some((after, status, body)) = answer(&request) else {
            // Until the client goes.
            return io::copy(&mut reader, &mut io::sink()).map(drop);
        };
        // It is work that takes its time, which is what is tested.
        thread::sleep(after);
        write!(
            client,
            "HTTP/1.1 {status} Status\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
    }
    Ok(())
}

/// Reads the head of a request: what is asked for, and the length of the body.
fn head(reader: &mut impl BufRead) -> io::Result<Option<(String, u64)>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        if line == "\r\n" {
            break;
        }
        lines.push(line.to_lowercase());
    }
    let length = lines.iter().find_map(|line| {
        let value = line.strip_prefix("content-length:")?;
        value.trim().parse().ok()
    });
    let first = lines.first().map(String::as_str).unwrap_or_default();
    let mut words = first.split(' ');
    let method = words.next().unwrap_or_default().to_uppercase();
    let path = words.next().unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    let versioned = path
        .strip_prefix("/v1.")
        .and_then(|rest| rest.split_once('/'));
    let path = versioned.map_or(path.trim_start_matches('/'), |(_, rest)| rest);
    Ok(Some((format!("{method} /{path}"), length.unwrap_or(0))))
}

/// As Docker 27 says it, of the fields that are looked at.
const VERSION: &str = if cfg!(target_arch = "aarch64") {
    r#"{"ApiVersion":"1.47","MinAPIVersion":"1.24","Os":"linux","Arch":"arm64"}"#
} else {
    r#"{"ApiVersion":"1.47","MinAPIVersion":"1.24","Os":"linux","Arch":"amd64"}"#
};
