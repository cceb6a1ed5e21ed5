//! `node serve`: a file server from its start to its end.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;

use plumbing::title::TitleArea;
use protocol::role::RoleEvent;
use protocol::stress::{Listening, ServerRecord, Workers};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use super::acceptor::Acceptor;
use super::options::ServeArguments;
use super::pool::Pool;
use super::storage::Storage;
use crate::lines;

/// Runs `node serve` until SIGTERM or SIGINT. The code is 0 once it has ended in good order, whatever
/// clients did, and 1 if it could not serve.
pub fn serve(arguments: &ServeArguments) -> ExitCode {
    let error = match run(arguments) {
        Ok(record) => match lines::print(&RoleEvent::Served(record)) {
            Ok(()) => return ExitCode::SUCCESS,
            Err(error) => error.to_string(),
        },
        Err(error) => error.to_string(),
    };
    lines::fail(error)
}

/// Why nothing could be served.
#[derive(Debug, thiserror::Error)]
enum ServeError {
    #[error("cannot keep files in {}: {source}", directory.display())]
    Directory {
        directory: std::path::PathBuf,
        source: io::Error,
    },
    #[error("cannot listen on {address}: {source}")]
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
    #[error("cannot serve: {0}")]
    Serve(#[from] io::Error),
}

fn run(arguments: &ServeArguments) -> Result<ServerRecord, ServeError> {
    TitleArea::find()?.show(&format!("serve {}", arguments.model))?;
    let descriptors = plumbing::descriptor::raise_limit()?;
    let service = &arguments.service;
    let failed = |source| ServeError::Directory {
        directory: arguments.directory.clone(),
        source,
    };
    let storage = Storage::open(&arguments.directory, service).map_err(failed)?;
    storage.sweep().map_err(failed)?;
    let runtime = runtime(arguments)?;
    let served = runtime.block_on(listen(arguments, &storage, descriptors));
    // What cannot be removed now goes with the next server's start.
    let _ = storage.close();
    // Whatever is still busy with a file is not waited for.
    runtime.shutdown_background();
    served
}

/// With threads for tasks only where there are any.
fn runtime(arguments: &ServeArguments) -> io::Result<Runtime> {
    let workers = arguments.workers as usize;
    let mut builder = match arguments.model {
        Workers::Async => Builder::new_multi_thread(),
        Workers::Thread | Workers::Process => Builder::new_current_thread(),
    };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    builder
        .worker_threads(processors.min(workers))
        .max_blocking_threads(workers.min(MOST_BLOCKING))
        .thread_name("serve")
        .enable_all()
        .build()
}

async fn listen(
    arguments: &ServeArguments,
    storage: &Arc<Storage>,
    descriptors: u64,
) -> Result<ServerRecord, ServeError> {
    let (bound, address) = bind(arguments)?;
    let pool = Pool::start(arguments, storage).await?;
    // Only now, for a client that is let in earlier would wait for workers to start.
    let failed = |source| ServeError::Listen { address, source };
    bound.listen(BACKLOG).map_err(failed)?;
    let listener = TcpListener::from_std(bound.into())?;
    let address = listener.local_addr()?.to_string();
    let acceptor = Acceptor::new(listener, pool, arguments, descriptors);
    lines::print(&RoleEvent::Listening(Listening { address }))?;
    lines::print(&RoleEvent::Ready)?;
    Ok(acceptor.run().await?)
}

/// Takes the address, without listening. Also tells which it is.
fn bind(arguments: &ServeArguments) -> Result<(Socket, SocketAddr), ServeError> {
    let address = SocketAddr::new(arguments.address, arguments.port);
    let bound = match bind_to(address) {
        // A node may have no IPv6 at all.
        Err(_) if arguments.address == IpAddr::V6(Ipv6Addr::UNSPECIFIED) => {
            bind_to(SocketAddr::from((Ipv4Addr::UNSPECIFIED, arguments.port)))
        }
        bound => bound,
    };
    let bound = bound.map_err(|source| ServeError::Listen { address, source })?;
    Ok((bound, address))
}

fn bind_to(address: SocketAddr) -> io::Result<Socket> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // IPv4 clients come as mapped addresses (ipv6(7)).
        socket.set_only_v6(false)?;
    }
    // A server that was here a moment ago is no hindrance.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Connections that the kernel keeps until they are accepted; the kernel's own limit may be less
/// (`net.core.somaxconn`).
const BACKLOG: i32 = 4096;

/// Threads that work with files for tasks.
const MOST_BLOCKING: usize = 32;
