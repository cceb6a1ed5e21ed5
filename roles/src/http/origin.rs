//! `node origin`: serves the files of a folder over HTTP, to GET and HEAD.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use protocol::name::FileName;
use protocol::role::RoleEvent;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;

use super::content_type;
use crate::lines;

/// Arguments of `node origin`.
#[derive(Debug, clap::Args)]
pub struct OriginArguments {
    /// The TCP port to listen on, on all addresses.
    #[arg(long, default_value_t = 80)]
    pub port: u16,
    /// The folder whose files are served, each under its name.
    #[arg(long)]
    pub directory: PathBuf,
}

/// Runs `node origin`: serves until it is ended. The code is 1 if it cannot listen.
pub fn serve(arguments: &OriginArguments) -> ExitCode {
    let runtime = Builder::new_current_thread().enable_all().build();
    let served = runtime.and_then(|runtime| runtime.block_on(listen(arguments)));
    let Err(error) = served else {
        return ExitCode::SUCCESS;
    };
    let reason = format!("cannot serve HTTP on port {}: {error}", arguments.port);
    lines::fail(reason)
}

async fn listen(arguments: &OriginArguments) -> io::Result<()> {
    // On a dual-stack socket, IPv4 clients come as mapped addresses (ipv6(7)).
    let all = SocketAddr::from((Ipv6Addr::UNSPECIFIED, arguments.port));
    let listener = match TcpListener::bind(all).await {
        // A node may have no IPv6 at all.
        Err(_) => TcpListener::bind(("0.0.0.0", arguments.port)).await?,
        Ok(listener) => listener,
    };
    lines::print(&RoleEvent::Ready)?;
    let directory: Arc<Path> = arguments.directory.as_path().into();
    loop {
        // A client that has gone before it was accepted is no reason to end.
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(attend(stream, Arc::clone(&directory)));
        }
    }
}

/// Answers a client's requests until it closes the connection or says nothing for a while.
async fn attend(stream: TcpStream, directory: Arc<Path>) {
    let service = service_fn(|request| {
        let directory = Arc::clone(&directory);
        async move { Ok::<_, Infallible>(answer(&request, &directory).await) }
    });
    // A client that breaks off is its own affair.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(request: &Request<Incoming>, directory: &Path) -> Response<Full<Bytes>> {
    let head = request.method() == Method::HEAD;
    if !head && request.method() != Method::GET {
        let mut refusal = plain(StatusCode::METHOD_NOT_ALLOWED);
        let allowed = HeaderValue::from_static("GET, HEAD");
        refusal.headers_mut().insert(ALLOW, allowed);
        return refusal;
    }
    // Only a name: no path leaves the folder, however it is written.
    let name = request.uri().path().strip_prefix('/').unwrap_or_default();
    let Ok(name) = name.parse::<FileName>() else {
        return plain(StatusCode::NOT_FOUND);
    };
    match tokio::fs::read(directory.join(name.as_str())).await {
        Ok(content) => found(&name, content, head),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            plain(StatusCode::FORBIDDEN)
        }
        Err(_) => plain(StatusCode::NOT_FOUND),
    }
}

fn found(name: &FileName, content: Vec<u8>, head: bool) -> Response<Full<Bytes>> {
    let length = HeaderValue::from(content.len());
    let kind = HeaderValue::from_static(content_type::of_name(name.as_str()));
    let body = if head { Bytes::new() } else { content.into() };
    let mut response = Response::new(Full::new(body));
    response.headers_mut().insert(CONTENT_LENGTH, length);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

fn plain(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(format!("{status}\n"))));
    *response.status_mut() = status;
    response
}
