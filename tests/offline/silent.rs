//! Engines and servers that accept a connection and say nothing: nobody waits long for them, and nothing is said to be
//! gone that may be there.

use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::thread;
use std::time::Duration;

use e2e::pretended_engine::{self, Answer};
use e2e::running::{Ended, Running};
use e2e::sandbox::{Hangup, Sandbox, stdout};
use nix::sys::signal::Signal;

use super::sandbox;

/// Runs a command to its end while others do.
fn start(sandbox: &Sandbox, words: &[&str]) -> thread::JoinHandle<Ended> {
    let running = Running::start(sandbox.command_where(Hangup::Ends, words));
    thread::spawn(move || running.ended())
}

#[test]
fn a_silent_engine_is_waited_for_ten_seconds() {
    let mut sandbox = sandbox();
    let socket = sandbox.path("tmp/silent.sock");
    // Connections queue; nobody ever takes them.
    let _listener = UnixListener::bind(&socket).unwrap();
    sandbox.set("DOCKER_HOST", format!("unix://{}", socket.display()));
    sandbox.write("lab.toml", "name = \"one\"\n[node.a]\n");
    let ends: Vec<_> = [
        (3, &["doctor", "--backend", "docker"][..]),
        (3, &["run", "--backend", "docker"]),
        (5, &["clean"]),
        (5, &["clean", "one-00000001"]),
    ]
    .into_iter()
    .map(|(code, words)| (code, words, start(&sandbox, words)))
    .collect();
    for (code, words, ended) in ends {
        let ended = ended.join().unwrap();
        assert_eq!(ended.code, Some(code), "{words:?}: {ended:?}");
        if words[0] != "doctor" {
            assert!(
                ended.said.contains("has not answered within 10 s"),
                "{ended:?}"
            );
        }
        if code == 5 {
            assert!(
                ended
                    .said
                    .contains("labs that no folder records may be there"),
                "{ended:?}"
            );
            assert!(
                !ended.said.contains("nothing is left of any lab"),
                "{ended:?}"
            );
        }
    }
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut clean = Running::start(sandbox.command_where(Hangup::Ends, ["clean"]));
        clean.await_words("looking for leftovers");
        clean.signal(signal);
        let ended = clean.ended();
        assert_eq!(ended.code, Some(130), "{ended:?}");
        assert!(!ended.said.contains("has not answered"), "{ended:?}");
    }
}

#[test]
fn a_silent_server_is_waited_for_ten_seconds() {
    let mut sandbox = sandbox();
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    sandbox.set("ORCHESTRATOR_GNS3_URL", &url);
    sandbox.write("lab.toml", "name = \"one\"\n[node.a]\n");
    let clean = start(&sandbox, &["clean"]);
    let run = start(&sandbox, &["run", "--backend", "gns3"]);
    for (code, ended) in [(5, clean), (3, run)] {
        let ended = ended.join().unwrap();
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(
            ended.said.contains("has not answered within 10 s"),
            "{ended:?}"
        );
        assert!(ended.said.contains(&url), "{ended:?}");
    }
}

/// A sandbox with an engine that answers only so, and with a lab that has a network.
fn with_engine(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Sandbox {
    let mut sandbox = sandbox();
    let socket = sandbox.path("tmp/engine.sock");
    pretended_engine::start(&socket, answer);
    sandbox.set("DOCKER_HOST", format!("unix://{}", socket.display()));
    sandbox.write("lab.toml", LAB);
    sandbox
}

#[test]
fn an_engine_that_only_says_who_it_is_is_silent() {
    let sandbox = with_engine(pretended_engine::greets);
    let ends: Vec<_> = [
        (3, &["run", "--backend", "docker"][..]),
        (3, &["deploy", "--backend", "docker"]),
        (5, &["clean"]),
    ]
    .into_iter()
    .map(|(code, words)| (code, words, start(&sandbox, words)))
    .collect();
    let doctor = sandbox.run(["doctor", "--backend", "docker"]).ends_with(3);
    assert!(
        stdout(&doctor).contains("missing  backend docker  it has not answered within 10 s"),
        "{doctor}"
    );
    for (code, words, ended) in ends {
        let ended = ended.join().unwrap();
        assert_eq!(ended.code, Some(code), "{words:?}: {ended:?}");
        let waited = "connecting to the engine at unix://";
        for part in [waited, "has not answered within 10 s"] {
            assert!(ended.said.contains(part), "{words:?}: {ended:?}");
        }
    }
}

/// It may still make the network that it was asked for, so it is not said to be gone.
#[test]
fn an_engine_that_falls_silent_over_a_raise_may_have_a_part_of_it() {
    let sandbox = with_engine(|request| match request {
        path if path.starts_with("GET /images/") && path.ends_with("/json") => {
            pretended_engine::at_once("{}")
        }
        other => pretended_engine::lists(other),
    });
    let run = start(&sandbox, &["run", "--backend", "docker"]);
    let ended = run.join().unwrap();
    assert_eq!(ended.code, Some(5), "{ended:?}");
    for part in [
        "making network lan: it has not answered within 10 s",
        "network one-",
        "`orchestrator clean`",
    ] {
        assert!(ended.said.contains(part), "{part}: {ended:?}");
    }
    let clean = start(&sandbox, &["clean"]).join().unwrap();
    assert_eq!(clean.code, Some(5), "{clean:?}");
    assert!(clean.said.contains("removing network one-"), "{clean:?}");
}

#[test]
fn work_that_takes_long_is_waited_for_and_told() {
    let sandbox = with_engine(|request| match request {
        "POST /images/load" => Some((Duration::from_secs(12), 500, ENOUGH)),
        path if path.starts_with("GET /images/orchestrator-node:") => {
            Some((Duration::ZERO, 404, r#"{"message":"no such image"}"#))
        }
        other => pretended_engine::lists(other),
    });
    sandbox.write("lab.toml", "name = \"one\"\n[node.a]\n");
    let ended = start(&sandbox, &["run", "--backend", "docker"])
        .join()
        .unwrap();
    assert_eq!(ended.code, Some(4), "{ended:?}");
    for part in [
        "making the built-in image",
        "waiting for the engine since",
        "not today",
    ] {
        assert!(ended.said.contains(part), "{part}: {ended:?}");
    }
}

const ENOUGH: &str = r#"{"message":"not today"}"#;

const LAB: &str = r#"
name = "one"
[network.lan]
subnet = "10.0.0.0/24"
[node.a]
networks = ["lan"]
"#;
