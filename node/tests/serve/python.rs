//! A server and clients in Python at the other end of the wire.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use protocol::stress::{Operation, Workers};

use crate::server::Server;
use crate::stress::{digests, role, stress};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../topologies/inputs");

/// Killed when dropped, with the processes of its pool, which would outlive it.
pub(crate) struct Python(Child);

impl Python {
    /// A server with three workers, and its address.
    pub(crate) fn serve(pool: &str, home: &Path) -> (Self, String) {
        let mut server = Command::new("python3")
            .arg(format!("{FOLDER}/file-server.py"))
            .args(["0", "3", pool])
            .arg(home)
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(server.stdout.take().unwrap());
        let server = Self(server);
        output.read_line(&mut line).unwrap();
        let port = line.trim().rsplit(' ').next().unwrap();
        (server, format!("127.0.0.1:{port}"))
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let group = Pid::from_raw(self.0.id().cast_signed());
        // It has mostly not ended by itself.
        let _ = killpg(group, Signal::SIGKILL);
        let _ = self.0.wait();
    }
}

#[test]
fn our_clients_are_served_by_a_python_server() {
    for pool in ["thread", "process"] {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().display().to_string();
        let (_server, address) = Python::serve(pool, home.path());
        let more = ["--workers", "5", "--size", "700000", "--seed", "4"];
        for model in Workers::ALL {
            let more = [&more[..], &["--model", model.word()]].concat();
            let up = stress(&address, Operation::Upload, &more);
            assert_eq!(up.record.ok, 5, "{:?}", up.record);
            for client in &up.clients {
                let stored = digests(home.path(), &[client.name.as_str()]);
                assert_eq!(stored[0].blake3, client.blake3);
            }
            role(&[
                "fill",
                "--directory",
                &folder,
                "--size",
                "700000",
                "--seed",
                "4",
                "stress.bin",
            ]);
            let down = stress(&address, Operation::Download, &more);
            assert_eq!(down.record.ok, 5, "{:?}", down.record);
        }
        let absent = ["--workers", "1", "--size", "7", "--prefix", "absent"];
        let absent = stress(&address, Operation::Download, &absent).record;
        let (reason, _) = absent.reasons.first_key_value().unwrap();
        assert!(reason.contains("No such file"), "{reason}");
    }
}

#[test]
fn python_clients_are_served_by_our_server() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("data.bin");
    let content: Vec<u8> = (0..=250).cycle().take(700_000).collect();
    fs::write(&file, &content).unwrap();
    for model in Workers::ALL {
        let server = Server::start(model, 3, &[]);
        fs::write(server.path("data.bin"), &content).unwrap();
        let (address, port) = server.address().rsplit_once(':').unwrap();
        for operation in Operation::ALL {
            for pool in ["thread", "process"] {
                let output = Command::new("python3")
                    .arg(format!("{FOLDER}/file-client.py"))
                    .args([address, port, operation.word(), pool, "4"])
                    .arg(&file)
                    .output()
                    .unwrap();
                let text = String::from_utf8(output.stdout).unwrap();
                let said: serde_json::Value = serde_json::from_str(&text).unwrap();
                assert_eq!(said["seconds"].as_array().unwrap().len(), 4, "{said}");
            }
        }
        for number in 0..4 {
            assert!(fs::read(server.path(&format!("{number}-data.bin"))).unwrap() == content);
        }
        assert_eq!(server.end().record.requests_ok, 16);
    }
}
