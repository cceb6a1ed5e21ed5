//! The second lab's own programs, in Python, at the other end.

use std::fs;
use std::process::Command;

use protocol::task::{Framing, Model};

use crate::program::{Program, Sent, files, free_port};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transfer");

fn python(program: &str) -> Command {
    let mut command = Command::new("python3");
    command.arg(format!("{FOLDER}/{program}"));
    command
}

#[test]
fn the_labs_server_receives_from_every_model() {
    let home = tempfile::tempdir().unwrap();
    let files = files(home.path(), &[5_000, 60_000]);
    for model in Model::ALL {
        let (port, folder) = (free_port(), home.path().join(model.to_string()));
        let mut server = python("lab2_server.py");
        server.args([&port.to_string(), folder.to_str().unwrap(), "2"]);
        let mut server = Program::start(&mut server);
        assert_eq!(server.line().as_deref(), Some("listening"));
        let sent = Sent::of(model, Framing::Datagram, port, &files, &[]);
        assert!(sent.all_done());
        assert_eq!(server.code(), 0);
        let mut copies = ["img1.jpg", "img2.jpg"].map(|name| fs::read(folder.join(name)).unwrap());
        copies.sort_by_key(Vec::len);
        assert!(copies[0] == fs::read(&files[0]).unwrap());
        assert!(copies[1] == fs::read(&files[1]).unwrap()[..54_272]);
    }
}

#[test]
fn the_labs_client_is_received() {
    let home = tempfile::tempdir().unwrap();
    let files = files(home.path(), &[5_000, 60_000, 0]);
    let (port, folder) = (free_port(), home.path().join("server"));
    let server = Program::receive(Framing::Datagram, port, &folder, &[]);
    let mut client = python("lab2_client.py");
    client
        .args(["127.255.255.255", &port.to_string()])
        .args(&files);
    assert!(client.status().unwrap().success());
    let (arrivals, _) = server.all_sent(3);
    let lengths: Vec<_> = arrivals.iter().map(|a| (a.bytes, a.sent)).collect();
    assert_eq!(lengths, [(5_000, 5_000), (54_272, 60_000), (0, 0)]);
    let copy = fs::read(folder.join("img1.jpg")).unwrap();
    assert!(copy == fs::read(&files[0]).unwrap());
}
