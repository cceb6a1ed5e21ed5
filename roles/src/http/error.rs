//! Why a file could not be fetched.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use hyper::StatusCode;

/// Why a file could not be fetched.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("`{0}` is no URL to fetch: write http://HOST/PATH or https://HOST/PATH")]
    Url(String),
    #[error("cannot reach {authority}: {source}")]
    Connect {
        authority: String,
        source: io::Error,
    },
    #[error("the certificate of {host} {why}")]
    Certificate { host: String, why: String },
    #[error("cannot speak TLS with {host}: {source}")]
    Tls { host: String, source: io::Error },
    #[error("cannot trust what {} holds: {why}", path.display())]
    Authorities { path: PathBuf, why: String },
    #[error("{url} answers {status}")]
    Status { url: String, status: StatusCode },
    #[error("{url} redirects without saying where to")]
    Nowhere { url: String },
    #[error("{url} redirects more than {MOST_REDIRECTS} times")]
    Redirects { url: String },
    #[error(
        "{from} redirects to {to}, where anybody on the way can read and change what comes; ask for it \
         by --downgrade"
    )]
    Downgrade { from: String, to: String },
    #[error(
        "{url} comes encoded as {encoding}, though it was asked for as it is: its bytes could not be compared"
    )]
    Encoded { url: String, encoding: String },
    #[error("{url} is of type `{found}`, which is none of {known}")]
    Type {
        url: String,
        found: String,
        known: String,
    },
    #[error("{url} breaks off after {received} of {announced} bytes: {source}")]
    Short {
        url: String,
        received: u64,
        announced: u64,
        source: hyper::Error,
    },
    #[error("{url} has more than {limit} bytes")]
    Long { url: String, limit: u64 },
    #[error("{url} has not been fetched within {within:?}")]
    Late { url: String, within: Duration },
    #[error("{url}: {source}")]
    Http { url: String, source: hyper::Error },
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("`{0}` cannot be part of a file's name")]
    Key(String),
}

/// The most redirections that are followed for a file.
pub(super) const MOST_REDIRECTS: usize = 10;
