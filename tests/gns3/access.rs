//! Who is asked and who is let in, on servers that can do nothing else.

use std::io::{Read, Write};
use std::net::TcpListener;

use e2e::sandbox::{stderr, stdout};
use hyper::{Method, StatusCode};
use serde_json::json;

use super::installed::Version;
use super::sandbox;
use super::server::Server;

/// The version is found by asking, and what the server lacks is named with what to do about it.
pub(crate) fn doctor_names_the_version(version: Version) {
    let server = Server::start(version);
    let mut sandbox = sandbox();
    sandbox.set("ORCHESTRATOR_GNS3_URL", server.url());
    let looked = sandbox.run(["doctor", "--backend", "gns3"]).ends_with(3);
    let said = stdout(&looked);
    for words in [
        format!("{version} at http://127.0.0.1:"),
        format!("below {}", version.api()),
        "install ubridge on the server's machine".to_owned(),
        "install dynamips on the server's machine".to_owned(),
        "labs cannot be raised".to_owned(),
    ] {
        assert!(said.contains(&words), "{words}: {said}");
    }
    // What was tried is gone.
    assert!(server.projects().is_empty(), "{:?}", server.projects());
}

/// A server 3.0 wants a password, and it is nowhere to be read.
pub(crate) fn a_wrong_password_is_refused() {
    let server = Server::start(Version::Three);
    let mut sandbox = sandbox();
    sandbox.set("ORCHESTRATOR_GNS3_URL", server.url());
    let doctor = ["doctor", "--backend", "gns3", "-vv"];
    let password = "correct-horse";
    sandbox.set("ORCHESTRATOR_GNS3_PASSWORD", password);
    let refused = sandbox.run(doctor).ends_with(3);
    let said = stdout(&refused) + &stderr(&refused);
    assert!(said.contains("does not let admin in"), "{said}");
    assert!(!said.contains(password), "{said}");

    let user = json!({"username": "lab", "password": password});
    let (status, body) = server.json(Method::POST, "/access/users", &user);
    assert_eq!(status, StatusCode::CREATED, "{body}");
    let file = sandbox.write("password", format!("{password}\n"));
    let file = file.to_str().unwrap();
    let known = ["--gns3-user", "lab", "--gns3-password-file", file];
    let looked = sandbox.run(doctor.iter().chain(&known));
    // The user is let in, and has no rights until somebody gives them.
    let looked = looked.ends_with(3);
    let said = stdout(&looked) + &stderr(&looked);
    assert!(!said.contains("does not let"), "{said}");
    assert!(!said.contains(password), "{said}");
}

/// A password in an address would be in every list of processes.
pub(crate) fn no_password_is_taken_in_an_address() {
    let sandbox = sandbox();
    let url = "http://admin:hunter2@127.0.0.1:3080";
    let refused = sandbox.run(["doctor", "--backend", "gns3", "--gns3-url", url]);
    let said = stderr(&refused.ends_with(2));
    assert!(said.contains("--gns3-password-file"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

/// Somebody else's port, and nobody's.
pub(crate) fn a_stranger_is_told_from_a_server() {
    let sandbox = sandbox();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let stranger = std::thread::spawn(move || {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            assert!(stream.read(&mut request).unwrap() > 0);
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi";
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    let doctor = ["doctor", "--backend", "gns3", "--gns3-url", &url];
    let said = stdout(&sandbox.run(doctor).ends_with(3));
    assert!(said.contains("is no GNS3 server"), "{said}");
    stranger.join().unwrap();
    let said = stdout(&sandbox.run(doctor).ends_with(3));
    assert!(said.contains("no GNS3 server answers at"), "{said}");
}
