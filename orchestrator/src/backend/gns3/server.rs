//! A server that answers: which version it is, and requests to it.
//!
//! 2.2 serves its interface below `/v2` and 3.x below `/v3`. Their documents are alike; where they
//! differ, [`Dialect`] tells how.

use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Mutex;

use super::address::{Credentials, Secret, ServerUrl};
use super::error::ServerError;
use super::probe::probe;

/// A server that answers.
#[derive(Debug)]
pub struct Server {
    http: Client,
    url: ServerUrl,
    dialect: Dialect,
    version: String,
    credentials: Option<Credentials>,
    /// The token that a server 3.x has given us instead of the password.
    token: Mutex<Option<Secret>>,
}

/// The versions of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Of 2.2.
    Two,
    /// Of 3.x.
    Three,
}

impl Dialect {
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Two => "v2",
            Self::Three => "v3",
        }
    }
}

/// `POST /access/users/authenticate`.
#[derive(Debug, Deserialize)]
struct TokenAnswer {
    access_token: String,
}

/// The form of a refusal.
#[derive(Debug, Deserialize)]
struct Refusal {
    message: Value,
}

/// The body of a request.
enum Body<'a> {
    None,
    Json(&'a Value),
    Bytes(&'a [u8]),
}

impl Server {
    /// Finds out which version answers at `url`, and makes sure that it lets us in.
    ///
    /// # Errors
    /// If none answers, it is none of those that are understood, or it does not let us in.
    pub async fn connect(
        url: ServerUrl,
        credentials: Option<Credentials>,
    ) -> Result<Self, ServerError> {
        let http = client(&url).map_err(|reason| ServerError::Unreachable {
            url: url.clone(),
            reason,
        })?;
        let (dialect, version) = probe(&http, &url, credentials.as_ref()).await?;
        let is_known = match dialect {
            Dialect::Two => version.starts_with("2.2"),
            Dialect::Three => version.starts_with("3."),
        };
        if !is_known {
            return Err(ServerError::Version { url, version });
        }
        let server = Self {
            http,
            url,
            dialect,
            version,
            credentials,
            token: Mutex::default(),
        };
        // Anything that needs a right to be there.
        let projects = tokio::time::timeout(PROBE_TIMEOUT, server.get::<Value>("projects")).await;
        projects.map_err(|_| ServerError::Silent(server.url.clone()))??;
        Ok(server)
    }

    /// Which version of the interface it has.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Its version: `3.0.6`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Where it is.
    pub fn url(&self) -> &ServerUrl {
        &self.url
    }

    /// Asks for a document.
    ///
    /// # Errors
    /// The server's.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ServerError> {
        let answer = self.send(Method::GET, path, Body::None).await?;
        self.document(path, answer).await
    }

    /// Makes something, or has something done, and returns its document.
    ///
    /// # Errors
    /// The server's.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        document: &impl Serialize,
    ) -> Result<T, ServerError> {
        let document = form(path, document)?;
        let answer = self.send(Method::POST, path, Body::Json(&document)).await?;
        self.document(path, answer).await
    }

    /// Has something done. Some such requests to a server 3.x must have a body.
    ///
    /// # Errors
    /// The server's.
    pub async fn order(&self, path: &str) -> Result<(), ServerError> {
        let empty = Value::Object(serde_json::Map::new());
        let answer = self.send(Method::POST, path, Body::Json(&empty)).await?;
        self.read(answer).await.map(drop)
    }

    /// Changes something.
    ///
    /// # Errors
    /// The server's.
    pub async fn put(&self, path: &str, document: &impl Serialize) -> Result<(), ServerError> {
        let document = form(path, document)?;
        let answer = self.send(Method::PUT, path, Body::Json(&document)).await?;
        self.read(answer).await.map(drop)
    }

    /// Stores a file.
    ///
    /// # Errors
    /// The server's.
    pub async fn upload(&self, path: &str, bytes: &[u8]) -> Result<(), ServerError> {
        let answer = self.send(Method::POST, path, Body::Bytes(bytes)).await?;
        self.read(answer).await.map(drop)
    }

    /// Removes something. What is gone already counts as removed.
    ///
    /// # Errors
    /// The server's.
    pub async fn delete(&self, path: &str) -> Result<(), ServerError> {
        match self.send(Method::DELETE, path, Body::None).await {
            Ok(answer) => self.read(answer).await.map(drop),
            Err(error) if error.status() == Some(404) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Asks for bytes that come as they arise, for as long as they do.
    ///
    /// # Errors
    /// The server's.
    pub async fn stream(&self, path: &str) -> Result<Response, ServerError> {
        self.send(Method::GET, path, Body::None).await
    }

    /// Sends a request. A token that has expired is asked for once more.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Body<'_>,
    ) -> Result<Response, ServerError> {
        let token = match self.dialect {
            Dialect::Two => None,
            Dialect::Three => Some(self.token(None).await?),
        };
        let answer = self.try_once(&method, path, &body, token.as_ref()).await?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            return self.accepted(answer).await;
        }
        let Some(expired) = token else {
            return Err(self.refused());
        };
        let token = self.token(Some(&expired)).await?;
        let answer = self.try_once(&method, path, &body, Some(&token)).await?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            return Err(self.refused());
        }
        self.accepted(answer).await
    }

    async fn try_once(
        &self,
        method: &Method,
        path: &str,
        body: &Body<'_>,
        token: Option<&Secret>,
    ) -> Result<Response, ServerError> {
        let address = format!("{}/{}/{path}", self.url, self.dialect.path());
        tracing::debug!(%method, %address, "asking");
        let request = self.http.request(method.clone(), address);
        let request = match (token, &self.credentials) {
            (Some(token), _) => request.bearer_auth(token.expose()),
            (None, Some(known)) => basic(request, known),
            (None, None) => request,
        };
        let request = match body {
            Body::None => request,
            Body::Json(document) => request.json(document),
            Body::Bytes(bytes) => request
                .header("content-type", "application/octet-stream")
                .body(bytes.to_vec()),
        };
        request.send().await.map_err(|error| self.broken(&error))
    }

    /// The token; a new one in the place of `expired`, unless somebody has replaced it meanwhile.
    async fn token(&self, expired: Option<&Secret>) -> Result<Secret, ServerError> {
        let mut token = self.token.lock().await;
        if let Some(known) = token.as_ref().filter(|known| Some(*known) != expired) {
            return Ok(known.clone());
        }
        let (user, password) = self.known_as();
        let credentials = serde_json::json!({"username": user, "password": password});
        let address = format!("{}/v3/access/users/authenticate", self.url);
        let request = self.http.post(address).json(&credentials);
        let answer = request.send().await.map_err(|error| self.broken(&error))?;
        if matches!(
            answer.status(),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
        ) {
            return Err(self.refused());
        }
        let answer = self.accepted(answer).await?;
        let fresh: TokenAnswer = self.document("access/users/authenticate", answer).await?;
        let fresh = Secret::new(fresh.access_token);
        *token = Some(fresh.clone());
        Ok(fresh)
    }

    fn known_as(&self) -> (&str, &str) {
        let known = self.credentials.as_ref();
        known.map_or((FIRST, FIRST), |known| {
            (&known.user, known.password.expose())
        })
    }

    async fn accepted(&self, answer: Response) -> Result<Response, ServerError> {
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let body = answer.bytes().await.unwrap_or_default();
        let refusal = serde_json::from_slice::<Refusal>(&body);
        let message = match refusal.map(|refusal| refusal.message) {
            Ok(Value::String(text)) => text,
            Ok(other) => other.to_string(),
            // Some failures are told in plain text.
            Err(_) => String::from_utf8_lossy(&body).trim().to_owned(),
        };
        Err(ServerError::Answer {
            status: status.as_u16(),
            message,
        })
    }

    async fn read(&self, answer: Response) -> Result<Vec<u8>, ServerError> {
        let bytes = answer.bytes().await.map_err(|error| self.broken(&error))?;
        Ok(bytes.into())
    }

    async fn document<T: DeserializeOwned>(
        &self,
        path: &str,
        answer: Response,
    ) -> Result<T, ServerError> {
        let bytes = self.read(answer).await?;
        // An order that was carried out has nothing to say, or a document.
        let bytes = if bytes.is_empty() {
            b"null"
        } else {
            &bytes[..]
        };
        serde_json::from_slice(bytes).map_err(|error| ServerError::Form {
            request: path.to_owned(),
            reason: error.to_string(),
        })
    }

    fn refused(&self) -> ServerError {
        let user = match (&self.credentials, self.dialect) {
            (Some(known), _) => known.user.clone(),
            (None, Dialect::Two) => "somebody without a name".to_owned(),
            (None, Dialect::Three) => FIRST.to_owned(),
        };
        ServerError::Refused {
            url: self.url.clone(),
            user,
        }
    }

    pub(super) fn broken(&self, error: &reqwest::Error) -> ServerError {
        ServerError::Broken {
            url: self.url.clone(),
            reason: innermost(error),
        }
    }
}

fn form(path: &str, document: &impl Serialize) -> Result<Value, ServerError> {
    serde_json::to_value(document).map_err(|error| ServerError::Form {
        request: path.to_owned(),
        reason: error.to_string(),
    })
}

pub(super) fn basic(request: RequestBuilder, known: &Credentials) -> RequestBuilder {
    request.basic_auth(&known.user, Some(known.password.expose()))
}

fn client(url: &ServerUrl) -> Result<Client, String> {
    // Whoever installed one before has installed the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .connect_timeout(PROBE_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        // A proxy does not reach what is on this machine, and nothing else is asked.
        .no_proxy();
    let builder = if url.is_secure() {
        builder
    } else {
        // This machine's authorities are not needed, and may not be there.
        builder.tls_certs_only([])
    };
    builder.build().map_err(|error| innermost(&error))
}

/// The last of the reasons, which is the one that tells something: `connection refused`. What reqwest
/// says by itself has the address in it, which is told already.
pub(super) fn innermost(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it took too long".to_owned();
    }
    let mut reason: &dyn std::error::Error = error;
    while let Some(deeper) = reason.source() {
        reason = deeper;
    }
    reason.to_string()
}

/// The name and password that a server 3.x has at its first start.
const FIRST: &str = "admin";

/// The longest time that a server may take to answer at all.
pub(super) const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest silence of a request: a server pulls images and stops containers meanwhile.
const READ_TIMEOUT: Duration = Duration::from_mins(5);
