//! One request, redirections followed, its body to a file.

use std::path::Path;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue, LOCATION, USER_AGENT};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::error::{FetchError, MOST_REDIRECTS};

/// An answer whose status is 200 and whose body has not been read.
#[derive(Debug)]
pub(super) struct Answer {
    /// Where it came from in the end.
    pub(super) url: Uri,
    /// Its Content-Type; empty where it says none.
    pub(super) content_type: String,
    body: Incoming,
}

/// Asks for a file, and again where the answer is that it is elsewhere.
pub(super) async fn get(url: Uri) -> Result<Answer, FetchError> {
    let mut url = url;
    for _ in 0..=MOST_REDIRECTS {
        let response = ask(&url).await?;
        let status = response.status();
        if status.is_redirection() {
            let location = response.headers().get(LOCATION);
            url = follow(&url, location)?;
        } else if status == hyper::StatusCode::OK {
            let content_type = response.headers().get(CONTENT_TYPE);
            let content_type = content_type.map_or(&b""[..], HeaderValue::as_bytes);
            return Ok(Answer {
                url,
                content_type: String::from_utf8_lossy(content_type).into_owned(),
                body: response.into_body(),
            });
        } else {
            let url = url.to_string();
            return Err(FetchError::Status { url, status });
        }
    }
    let url = url.to_string();
    Err(FetchError::Redirects { url })
}

impl Answer {
    /// Writes the body to a file; its length. A body that is shorter than its Content-Length said is
    /// an error, and so is one that is longer than `limit`.
    pub(super) async fn save(mut self, path: &Path, limit: u64) -> Result<u64, FetchError> {
        let write = |source| FetchError::Write {
            path: path.to_owned(),
            source,
        };
        let url = self.url.to_string();
        let announced = self.body.size_hint().exact();
        let mut file = File::create(path).await.map_err(write)?;
        let mut received = 0;
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|source| {
                let url = url.clone();
                match announced {
                    Some(announced) => FetchError::Short {
                        url,
                        received,
                        announced,
                        source,
                    },
                    None => FetchError::Http { url, source },
                }
            })?;
            // Trailers are no part of the file.
            let Ok(bytes) = frame.into_data() else {
                continue;
            };
            received += bytes.len() as u64;
            if received > limit {
                return Err(FetchError::Long { url, limit });
            }
            file.write_all(&bytes).await.map_err(write)?;
        }
        file.flush().await.map_err(write)?;
        Ok(received)
    }
}

/// One request on a connection of its own.
async fn ask(url: &Uri) -> Result<Response<Incoming>, FetchError> {
    let wrong = || FetchError::Url(url.to_string());
    let authority = url.authority().ok_or_else(wrong)?;
    if url.scheme_str() != Some("http") || authority.host().is_empty() {
        return Err(wrong());
    }
    let connect = |source| FetchError::Connect {
        authority: authority.to_string(),
        source,
    };
    let http = |source| FetchError::Http {
        url: url.to_string(),
        source,
    };
    // In a URL, an IPv6 address stands in brackets (RFC 3986 §3.2.2).
    let host = authority.host().trim_matches(['[', ']']);
    let port = authority.port_u16().unwrap_or(80);
    let stream = TcpStream::connect((host, port)).await.map_err(connect)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(http)?;
    // It ends with the answer's body, or when that is dropped; what went wrong is told there.
    tokio::spawn(connection);
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path)
        .header(HOST, authority.as_str())
        .header(USER_AGENT, "node")
        .body(Empty::<Bytes>::new())
        .map_err(|_| wrong())?;
    sender.send_request(request).await.map_err(http)
}

/// Where a redirection leads: a whole URL, or a path on the same host (RFC 9110 §10.2.2).
fn follow(from: &Uri, location: Option<&HeaderValue>) -> Result<Uri, FetchError> {
    let nowhere = || FetchError::Nowhere {
        url: from.to_string(),
    };
    let location = location.and_then(|value| value.to_str().ok());
    let location = location.ok_or_else(nowhere)?;
    let whole = if location.contains("://") {
        location.to_owned()
    } else {
        let authority = from.authority().map_or("", |authority| authority.as_str());
        let folder = from
            .path()
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder);
        let path = match location.strip_prefix('/') {
            Some(path) => format!("/{path}"),
            None => format!("{folder}/{location}"),
        };
        format!("http://{authority}{path}")
    };
    whole.parse().map_err(|_| FetchError::Url(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirection_leads_to_a_host_or_to_a_path() {
        let from: Uri = "http://a:81/x/y?z".parse().unwrap();
        for (location, to) in [
            ("http://b/c", "http://b/c"),
            ("/c", "http://a:81/c"),
            ("c", "http://a:81/x/c"),
        ] {
            let value = HeaderValue::from_static(location);
            assert_eq!(follow(&from, Some(&value)).unwrap().to_string(), to);
        }
        assert!(follow(&from, None).is_err());
        let bad = HeaderValue::from_static("http://");
        assert!(follow(&from, Some(&bad)).is_err());
    }
}
