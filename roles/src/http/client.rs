//! One request, redirections followed, its body to a file.

use std::path::Path;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue,
    LOCATION, USER_AGENT,
};
use hyper::http::uri::Scheme;
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::error::{FetchError, MOST_REDIRECTS};
use super::tls;

/// An answer whose status is 200 and whose body has not been read.
#[derive(Debug)]
pub(super) struct Answer {
    /// Where it came from in the end.
    pub(super) url: Uri,
    /// Its Content-Type; empty where it says none.
    pub(super) content_type: String,
    body: Incoming,
}

/// Asks for a file, and again where the answer is that it is elsewhere; in plain HTTP in place of TLS
/// only with `downgrade`.
pub(super) async fn get(url: Uri, downgrade: bool) -> Result<Answer, FetchError> {
    let mut url = url;
    for _ in 0..=MOST_REDIRECTS {
        let response = ask(&url).await?;
        let status = response.status();
        if status.is_redirection() {
            let to = follow(&url, response.headers().get(LOCATION))?;
            if is_secure(&url) && !is_secure(&to) && !downgrade {
                let (from, to) = (url.to_string(), to.to_string());
                return Err(FetchError::Downgrade { from, to });
            }
            url = to;
        } else if status == hyper::StatusCode::OK {
            let encoding = text(response.headers(), CONTENT_ENCODING);
            if !["", "identity"].contains(&&*encoding.to_ascii_lowercase()) {
                let url = url.to_string();
                return Err(FetchError::Encoded { url, encoding });
            }
            return Ok(Answer {
                url,
                content_type: text(response.headers(), CONTENT_TYPE),
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
    let port = match url.scheme_str() {
        Some("http") => 80,
        Some("https") => 443,
        _ => return Err(wrong()),
    };
    // In a URL, an IPv6 address stands in brackets (RFC 3986 §3.2.2).
    let host = authority.host().trim_matches(['[', ']']);
    if host.is_empty() {
        return Err(wrong());
    }
    let port = authority.port_u16().unwrap_or(port);
    let stream = TcpStream::connect((host, port)).await;
    let stream = stream.map_err(|source| FetchError::Connect {
        authority: authority.to_string(),
        source,
    })?;
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path)
        .header(HOST, authority.as_str())
        .header(USER_AGENT, "node")
        // The bytes themselves are what is compared (RFC 9110 §12.5.3).
        .header(ACCEPT_ENCODING, "identity")
        .body(Empty::<Bytes>::new())
        .map_err(|_| wrong())?;
    let answer = if is_secure(url) {
        over(tls::secure(stream, host).await?, request).await
    } else {
        over(stream, request).await
    };
    answer.map_err(|source| FetchError::Http {
        url: url.to_string(),
        source,
    })
}

async fn over<S>(stream: S, request: Request<Empty<Bytes>>) -> hyper::Result<Response<Incoming>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the answer's body, or when that is dropped; what went wrong is told there.
    tokio::spawn(connection);
    sender.send_request(request).await
}

fn is_secure(url: &Uri) -> bool {
    url.scheme() == Some(&Scheme::HTTPS)
}

/// A header's value; empty where there is none.
fn text(headers: &HeaderMap, name: HeaderName) -> String {
    let value = headers.get(name);
    let value = value.map_or(&b""[..], HeaderValue::as_bytes);
    String::from_utf8_lossy(value).into_owned()
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
        let scheme = from.scheme_str().unwrap_or("http");
        let authority = from.authority().map_or("", |authority| authority.as_str());
        let folder = from
            .path()
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder);
        let path = match location.strip_prefix('/') {
            Some(path) => format!("/{path}"),
            None => format!("{folder}/{location}"),
        };
        format!("{scheme}://{authority}{path}")
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
        let secure: Uri = "https://a/x".parse().unwrap();
        let path = HeaderValue::from_static("/c");
        let to = follow(&secure, Some(&path)).unwrap();
        assert_eq!(to.to_string(), "https://a/c");
        let bad = HeaderValue::from_static("http://");
        assert!(follow(&from, Some(&bad)).is_err());
    }
}
