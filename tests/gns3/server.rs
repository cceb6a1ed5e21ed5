//! A server, from its start to its end, and what is asked of it.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use super::installed::Version;

/// A server that runs.
pub(crate) struct Server {
    version: Version,
    child: Child,
    dir: TempDir,
    port: u16,
    token: Option<String>,
    runtime: Runtime,
}

/// A project on a server.
pub(crate) type ProjectId = String;

impl Server {
    /// Starts one and waits until it answers.
    pub(crate) fn start(version: Version) -> Self {
        let dir = tempfile::Builder::new().prefix("gns3-").tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let child = spawn(version, &dir, port);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let mut server = Self {
            version,
            child,
            dir,
            port,
            token: None,
            runtime,
        };
        server.await_answer();
        if version == Version::Three {
            let credentials = json!({"username": "admin", "password": "admin"});
            let (status, body) =
                server.json(Method::POST, "/access/users/authenticate", &credentials);
            assert_eq!(status, StatusCode::OK, "{body}");
            server.token = Some(body["access_token"].as_str().unwrap().to_owned());
        }
        server
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its projects.
    pub(crate) fn projects(&self) -> Vec<Value> {
        let (status, body) = self.get("/projects");
        assert_eq!(status, StatusCode::OK);
        serde_json::from_slice(&body).unwrap()
    }

    fn await_answer(&mut self) {
        let until = Instant::now() + PATIENCE;
        while !matches!(
            self.send(Method::GET, "/version", Bytes::new()),
            Ok((StatusCode::OK, _))
        ) {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the server ended with {status}: {}", self.log());
            }
            assert!(
                Instant::now() < until,
                "the server never answered: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("said")).unwrap_or_default()
    }

    /// A path in the server's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Imports an archive, and returns the new project's identity.
    pub(crate) fn import(&self, archive: Vec<u8>, name: &str) -> ProjectId {
        let id = uuid::Uuid::new_v4().to_string();
        let path = format!("/projects/{id}/import?name={name}");
        let (status, body) = self.send(Method::POST, &path, archive.into()).unwrap();
        let body = String::from_utf8_lossy(&body).into_owned();
        assert_eq!(status, StatusCode::CREATED, "{name}: {body}");
        id
    }

    /// What a project has of a kind: `nodes`, `links` or `drawings`.
    pub(crate) fn list(&self, project: &str, kind: &str) -> Vec<Value> {
        let (status, body) = self.get(&format!("/projects/{project}/{kind}"));
        assert_eq!(status, StatusCode::OK);
        let list: Value = serde_json::from_slice(&body).unwrap();
        list.as_array().unwrap().clone()
    }

    /// A project as the server exports it.
    pub(crate) fn export(&self, project: &str) -> Vec<u8> {
        let (status, body) = self.get(&format!("/projects/{project}/export"));
        assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
        body.to_vec()
    }

    /// Removes a project, and what runs for it.
    pub(crate) fn delete(&self, project: &str) {
        let path = format!("/projects/{project}");
        let (status, _) = self.send(Method::DELETE, &path, Bytes::new()).unwrap();
        assert_eq!(status, StatusCode::NO_CONTENT);
    }

    /// Closes a project, so that nothing runs or stands by for it. Version 2 deletes none that lies in a
    /// folder of another name.
    pub(crate) fn close(&self, project: &str) {
        let path = format!("/projects/{project}/close");
        let (status, _) = self.send(Method::POST, &path, Bytes::new()).unwrap();
        assert!(status.is_success(), "{status}");
    }

    /// Asks for something.
    pub(crate) fn get(&self, path: &str) -> (StatusCode, Bytes) {
        self.send(Method::GET, path, Bytes::new()).unwrap()
    }

    /// Sends JSON and reads JSON; what is none comes as a text.
    pub(crate) fn json(&self, method: Method, path: &str, value: &Value) -> (StatusCode, Value) {
        let (status, body) = self.send(method, path, value.to_string().into()).unwrap();
        let text = || Value::String(String::from_utf8_lossy(&body).into_owned());
        (
            status,
            serde_json::from_slice(&body).unwrap_or_else(|_| text()),
        )
    }

    fn send(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), Box<dyn std::error::Error>> {
        self.runtime.block_on(async {
            let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
            let connection = tokio::spawn(connection);
            let mut request = Request::builder()
                .method(method)
                .uri(format!("{}{path}", self.version.api()))
                .header("Host", "127.0.0.1")
                .header("Content-Type", "application/json");
            if let Some(token) = &self.token {
                request = request.header("Authorization", format!("Bearer {token}"));
            }
            let response = sender.send_request(request.body(Full::new(body))?).await?;
            let status = response.status();
            let body = response.into_body().collect().await?.to_bytes();
            connection.abort();
            Ok((status, body))
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = Pid::from_raw(self.child.id().cast_signed());
        // It may have ended.
        let _ = kill(pid, Signal::SIGTERM);
        drop(self.child.wait());
    }
}

/// Headless, on this machine only, and without the flag for a file of its process number: with that, a
/// server kills every uBridge and Dynamips of the machine.
fn spawn(version: Version, dir: &TempDir, port: u16) -> Child {
    let folder = dir.path().display();
    let folders = FOLDERS.map(|name| {
        fs::create_dir(dir.path().join(name)).unwrap();
        format!("{name}_path = {folder}/{name}\n")
    });
    let config = format!(
        "[Server]\nhost = 127.0.0.1\nport = {port}\nreport_errors = False\n\
         secrets_dir = {folder}/projects\n{}",
        folders.concat()
    );
    let file = dir.path().join("gns3_server.conf");
    fs::write(&file, config).unwrap();
    let said = fs::File::create(dir.path().join("said")).unwrap();
    Command::new(version.folder().join("bin/gns3server"))
        .args([
            "--local",
            "--host",
            "127.0.0.1",
            "--port",
            &port.to_string(),
        ])
        .arg("--config")
        .arg(&file)
        .env("HOME", dir.path())
        .stdin(Stdio::null())
        .stdout(said.try_clone().unwrap())
        .stderr(said)
        .spawn()
        .unwrap()
}

const FOLDERS: [&str; 6] = [
    "images",
    "projects",
    "appliances",
    "symbols",
    "configs",
    "resources",
];

const PATIENCE: Duration = Duration::from_mins(2);
