//! Who is asked and who is let in, on servers that can do nothing else.

use std::io::{Read, Write};
use std::net::TcpListener;

use e2e::sandbox::{stderr, stdout};
use hyper::{Method, StatusCode};
use orchestrator::backend::{BackendKind, Ledger, Resource, gns3};
use orchestrator::lab::{FileLedger, NewLab, StateDir};
use orchestrator::plan::LabId;
use serde_json::{Value, json};

use super::installed::Version;
use super::sandbox;
use super::server::{Kind, Server};

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

/// A server 2.2 may ask for a name and a password too, with every request.
pub(crate) fn a_guarded_server_lets_in_who_is_known() {
    let (user, password) = ("teacher", "correct-horse");
    let server = Server::start_as(Version::Two, &Kind::Guarded(user, password));
    let mut sandbox = sandbox();
    sandbox.set("ORCHESTRATOR_GNS3_URL", server.url());
    let doctor = ["doctor", "--backend", "gns3", "-vv"];
    let refused = stdout(&sandbox.run(doctor).ends_with(3));
    assert!(
        refused.contains("does not let somebody without"),
        "{refused}"
    );
    sandbox.set("ORCHESTRATOR_GNS3_USER", user);
    sandbox.set("ORCHESTRATOR_GNS3_PASSWORD", "wrong");
    let refused = stdout(&sandbox.run(doctor).ends_with(3));
    assert!(refused.contains("does not let teacher in"), "{refused}");
    sandbox.set("ORCHESTRATOR_GNS3_PASSWORD", password);
    let looked = sandbox.run(doctor).ends_with(3);
    let said = stdout(&looked) + &stderr(&looked);
    assert!(said.contains("2.2.61 at http://127.0.0.1:"), "{said}");
    assert!(!said.contains(password), "{said}");
}

/// A token that a server 3.0 does not take any more is replaced, once.
pub(crate) fn an_old_token_is_replaced() {
    let mut server = Server::start(Version::Three);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let known = gns3::Server::connect(server.url().parse().unwrap(), None);
    let known = runtime.block_on(known).unwrap();
    server.forget_tokens();
    let projects: Vec<Value> = runtime.block_on(known.get("projects")).unwrap();
    assert!(projects.is_empty(), "{projects:?}");
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

/// What a killed process has left on a server that cannot be asked is recorded nowhere else.
pub(crate) fn what_cannot_be_looked_for_is_not_forgotten() {
    let mut sandbox = sandbox();
    let state = StateDir::open(sandbox.path("state")).unwrap();
    let lab = LabId {
        name: "lab".parse().unwrap(),
        instance: 7,
    };
    let NewLab { folder, lock } = state.create(&lab).unwrap();
    drop(lock);
    let ledger = FileLedger::open(BackendKind::Gns3, folder.ledger()).unwrap();
    let project = format!("http://127.0.0.1:1/projects/{}", uuid::Uuid::nil());
    ledger.record(&Resource::Project(project.clone())).unwrap();
    for _ in 0..2 {
        let said = stderr(&sandbox.run(["clean"]).ends_with(5));
        let kept = format!("project {project} could not be looked for");
        assert!(said.contains(&kept), "{said}");
        assert!(!said.contains("nothing is left"), "{said}");
    }
    folder.remove().unwrap();
    sandbox.run(["clean"]).succeeds();
    sandbox.set("ORCHESTRATOR_GNS3_URL", "http://127.0.0.1:1");
    let said = stderr(&sandbox.run(["clean"]).succeeds());
    for words in ["was not looked through", "nothing was found elsewhere"] {
        assert!(said.contains(words), "{said}");
    }
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
