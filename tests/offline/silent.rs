//! Engines and servers that accept a connection and say nothing: nobody waits long for them, and nothing is said to be
//! gone that may be there.

use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::thread;

use e2e::running::{Ended, Running};
use e2e::sandbox::{Hangup, Sandbox};
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
