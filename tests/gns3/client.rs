//! What is asked of a server over its REST interface.

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use super::installed::Version;

/// Who asks a server.
pub(crate) struct Client {
    /// `HOST:PORT`.
    address: String,
    /// Whose interface it has.
    pub(crate) version: Version,
    token: Option<String>,
    runtime: Runtime,
}

/// As whom our servers, which are each other's computes, let each other in.
pub(crate) const COMPUTE_USER: &str = "gns3";
/// With this.
pub(crate) const COMPUTE_PASSWORD: &str = "between-ourselves";

/// A project on a server.
pub(crate) type ProjectId = String;

impl Client {
    /// Of a server that may not answer yet.
    pub(crate) fn new(address: String, version: Version) -> Self {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        Self {
            address,
            version,
            token: None,
            runtime: runtime.enable_all().build().unwrap(),
        }
    }

    /// Of a server that is there, let in; with the version that it says it has.
    ///
    /// # Errors
    /// If none answers at `url`.
    pub(crate) fn of(url: &str) -> Result<(Self, String), String> {
        let address = url.trim_start_matches("http://").trim_end_matches('/');
        for version in Version::BOTH.into_iter().rev() {
            let mut client = Self::new(address.to_owned(), version);
            let answer = client.try_send(Method::GET, "/version", Bytes::new());
            let (status, body) = answer.map_err(|error| format!("{url}: {error}"))?;
            if status == StatusCode::OK {
                client.log_in();
                let said: Value = serde_json::from_slice(&body).unwrap();
                return Ok((client, said["version"].as_str().unwrap().to_owned()));
            }
        }
        Err(format!("{url}: what answers is no GNS3 server"))
    }

    /// Is let in as servers 3.0 let in everybody at first; 2.2 asks nobody who he is.
    pub(crate) fn log_in(&mut self) {
        if self.version == Version::Two {
            return;
        }
        let credentials = json!({"username": "admin", "password": "admin"});
        let (status, body) = self.json(Method::POST, "/access/users/authenticate", &credentials);
        assert_eq!(status, StatusCode::OK, "{body}");
        self.token = Some(body["access_token"].as_str().unwrap().to_owned());
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its projects.
    pub(crate) fn projects(&self) -> Vec<Value> {
        let (status, body) = self.get("/projects");
        assert_eq!(status, StatusCode::OK);
        serde_json::from_slice(&body).unwrap()
    }

    /// Imports an archive, and returns the new project's identity.
    pub(crate) fn import(&self, archive: Vec<u8>, name: &str) -> ProjectId {
        let id = uuid::Uuid::new_v4().to_string();
        let path = format!("/projects/{id}/import?name={name}");
        let (status, body) = self.try_send(Method::POST, &path, archive.into()).unwrap();
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
        self.file(&format!("/projects/{project}/export"))
    }

    /// The same as everybody's programs unpack it: 3.0 takes a method of its own unless it is asked for this one.
    pub(crate) fn export_plainly(&self, project: &str) -> Vec<u8> {
        let asked = match self.version {
            Version::Two => "",
            Version::Three => "?compression=zip",
        };
        self.file(&format!("/projects/{project}/export{asked}"))
    }

    fn file(&self, path: &str) -> Vec<u8> {
        let (status, body) = self.get(path);
        assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
        body.to_vec()
    }

    /// Removes a project, and what runs for it.
    pub(crate) fn delete(&self, project: &str) {
        let path = format!("/projects/{project}");
        let (status, _) = self.try_send(Method::DELETE, &path, Bytes::new()).unwrap();
        assert_eq!(status, StatusCode::NO_CONTENT);
    }

    /// Closes a project, so that nothing runs or stands by for it. Version 2 deletes none that lies in a
    /// folder of another name.
    pub(crate) fn close(&self, project: &str) {
        self.order(&format!("/projects/{project}/close"));
    }

    /// Has it use another server of ours as a compute.
    pub(crate) fn add_compute(&self, other: &Self, name: &str) {
        let (host, port) = other.address.split_once(':').unwrap();
        let port: u16 = port.parse().unwrap();
        let compute = json!({
            "protocol": "http", "host": host, "port": port, "name": name,
            "user": COMPUTE_USER, "password": COMPUTE_PASSWORD,
        });
        let (status, body) = self.json(Method::POST, "/computes", &compute);
        assert_eq!(status, StatusCode::CREATED, "{body}");
    }

    /// Asks for something.
    pub(crate) fn get(&self, path: &str) -> (StatusCode, Bytes) {
        self.try_send(Method::GET, path, Bytes::new()).unwrap()
    }

    /// Sends JSON and reads JSON; what is none comes as a text.
    pub(crate) fn json(&self, method: Method, path: &str, value: &Value) -> (StatusCode, Value) {
        let (status, body) = self
            .try_send(method, path, value.to_string().into())
            .unwrap();
        let text = || Value::String(String::from_utf8_lossy(&body).into_owned());
        (
            status,
            serde_json::from_slice(&body).unwrap_or_else(|_| text()),
        )
    }

    /// Has something done that has no document; what it answers is of no interest.
    pub(crate) fn order(&self, path: &str) {
        let (status, body) = self.json(Method::POST, path, &json!({}));
        assert!(status.is_success(), "{path}: {status}: {body}");
    }

    pub(crate) fn try_send(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), Box<dyn std::error::Error>> {
        self.runtime.block_on(async {
            let stream = TcpStream::connect(&self.address).await?;
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
            let connection = tokio::spawn(connection);
            let mut request = Request::builder()
                .method(method)
                .uri(format!("{}{path}", self.version.api()))
                .header("Host", &self.address)
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
