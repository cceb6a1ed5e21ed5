//! A server, from its start to its end.

use std::fs;
use std::net::TcpListener;
use std::ops::Deref;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hyper::body::Bytes;
use hyper::{Method, StatusCode};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::client::{COMPUTE_PASSWORD, COMPUTE_USER, Client};
use super::installed::Version;

/// A server that runs.
pub(crate) struct Server {
    child: Child,
    dir: TempDir,
    port: u16,
    client: Client,
}

/// What a server is like.
pub(crate) enum Kind {
    /// As it is installed.
    Usual,
    /// Of 2.2: it asks everybody for this name and password.
    Guarded(&'static str, &'static str),
    /// There is no Docker engine where it looks for one.
    WithoutEngine,
}

impl Deref for Server {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Server {
    /// Starts one and waits until it answers.
    pub(crate) fn start(version: Version) -> Self {
        Self::start_as(version, &Kind::Usual)
    }

    /// Starts one that is unlike others.
    pub(crate) fn start_as(version: Version, kind: &Kind) -> Self {
        let dir = tempfile::Builder::new().prefix("gns3-").tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let child = spawn((version, kind), &dir, port);
        let client = Client::new(format!("127.0.0.1:{port}"), version);
        let mut server = Self {
            child,
            dir,
            port,
            client,
        };
        server.await_answer();
        server.client.log_in();
        server
    }

    /// Ends it and starts it at the same place, where it takes no token that it has given before: what it
    /// has signed them with is gone.
    pub(crate) fn forget_tokens(&mut self) {
        self.end();
        fs::remove_file(self.path("projects/gns3_jwt_secret_key")).unwrap();
        self.child = spawn((self.client.version, &Kind::Usual), &self.dir, self.port);
        self.await_answer();
    }

    fn end(&mut self) {
        let pid = Pid::from_raw(self.child.id().cast_signed());
        // It may have ended.
        let _ = kill(pid, Signal::SIGTERM);
        drop(self.child.wait());
    }

    fn await_answer(&mut self) {
        let until = Instant::now() + PATIENCE;
        while !matches!(
            self.try_send(Method::GET, "/version", Bytes::new()),
            Ok((StatusCode::OK | StatusCode::UNAUTHORIZED, _))
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
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// Headless, on this machine only, and without the flag for a file of its process number: with that, a
/// server kills every uBridge and Dynamips of the machine.
fn spawn((version, kind): (Version, &Kind), dir: &TempDir, port: u16) -> Child {
    let folder = dir.path().display();
    let folders = FOLDERS.map(|name| {
        fs::create_dir_all(dir.path().join(name)).unwrap();
        format!("{name}_path = {folder}/{name}\n")
    });
    let guard = match kind {
        Kind::Guarded(user, password) => {
            format!("auth = True\nuser = {user}\npassword = {password}\n")
        }
        Kind::Usual | Kind::WithoutEngine => String::new(),
    };
    let config = format!(
        "[Server]\n{guard}host = 127.0.0.1\nport = {port}\nreport_errors = False\n\
         compute_username = {COMPUTE_USER}\ncompute_password = {COMPUTE_PASSWORD}\n\
         secrets_dir = {folder}/projects\n{}",
        folders.concat()
    );
    let file = dir.path().join("gns3_server.conf");
    fs::write(&file, config).unwrap();
    let said = fs::File::create(dir.path().join("said")).unwrap();
    let mut command = match kind {
        Kind::WithoutEngine => {
            // Its own view of the machine has none of the sockets there.
            let hidden = "mount -t tmpfs none /run && exec \"$@\"";
            let mut command = Command::new("unshare");
            command.args(["--mount", "--", "sh", "-c", hidden, "sh"]);
            command.arg(version.folder().join("bin/gns3server"));
            command
        }
        Kind::Usual | Kind::Guarded(..) => Command::new(version.folder().join("bin/gns3server")),
    };
    command
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
