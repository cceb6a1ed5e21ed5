//! Runs the agent: accepts connections, reaps processes, and ends when it is to.

use std::future::pending;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::prctl::set_child_subreaper;
use nix::sys::signal::SigSet;
use plumbing::endpoint::Endpoint;
use plumbing::peer;
use tokio::net::UnixListener;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::fail;

use super::children::kill_descendants;
use super::connection::serve;
use super::node::Node;
use super::options::{AgentOptions, Arguments, OnTerminate};
use super::program::ProcessSetup;

/// Runs `node agent`.
pub fn main(arguments: Arguments) -> ExitCode {
    match arguments.options() {
        Ok(options) => run(options),
        Err(error) => fail(&error),
    }
}

/// Is the agent of the node that this process is in, until its end.
pub fn run(options: AgentOptions) -> ExitCode {
    match try_run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format_args!("the agent: {error}")),
    }
}

fn try_run(options: AgentOptions) -> io::Result<()> {
    // Whoever made this process may have blocked signals, and its first process must reap.
    SigSet::empty().thread_set_mask()?;
    if std::process::id() != 1 {
        set_child_subreaper(true)?;
    }
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_keep_alive(Duration::from_secs(1))
        .build()?;
    let outcome = runtime.block_on(serve_all(options));
    // Nothing that is still waited for on a thread is worth waiting for.
    runtime.shutdown_background();
    outcome
}

async fn serve_all(options: AgentOptions) -> io::Result<()> {
    let setup = ProcessSetup::new(options.room);
    let node = Arc::new(Node::new(setup));
    // From here on no child's end is missed.
    tokio::spawn(reap(Arc::clone(&node), signal(SignalKind::child())?));
    let terminated = terminated(options.on_terminate)?;
    let listener = options.listener.map(adopt).transpose()?;
    let ends_with_stdio = listener.is_none();
    let stdio = if options.stdio {
        let (input, output) = (endpoint(&io::stdin())?, endpoint(&io::stdout())?);
        tokio::spawn(serve(Arc::clone(&node), input, output))
    } else {
        tokio::spawn(async {})
    };
    let accepting = async {
        match listener {
            Some(listener) => accept(&node, &listener).await,
            None => pending().await,
        }
    };
    tokio::select! {
        () = terminated => {}
        () = accepting => {}
        _ = stdio, if ends_with_stdio => {}
    }
    // With the first process of a name space the kernel ends the others.
    if std::process::id() != 1 {
        kill_descendants();
    }
    Ok(())
}

/// Serves every connection of the test bed, and none of the node's own programs.
async fn accept(node: &Arc<Node>, listener: &UnixListener) {
    loop {
        let accepted = listener.accept().await;
        let endpoint = accepted.and_then(|(stream, _)| {
            let is_ours = peer::is_unconfined(&stream).unwrap_or(false);
            let endpoint = Endpoint::new(stream.into_std()?)?;
            Ok(is_ours.then_some(endpoint))
        });
        match endpoint {
            // The socket's mode may have been changed; who is at its other end cannot be (SO_PEERCRED,
            // unix(7)).
            Ok(None) => {}
            Ok(Some(endpoint)) => {
                let both = Arc::new(endpoint);
                tokio::spawn(serve(Arc::clone(node), Arc::clone(&both), both));
            }
            // Mostly there are no descriptors left. The one who waits is accepted once there are;
            // no event tells of that.
            Err(_) => tokio::time::sleep(ACCEPT_AGAIN).await,
        }
    }
}

async fn reap(node: Arc<Node>, mut child_ended: Signal) {
    loop {
        node.children.reap();
        if child_ended.recv().await.is_none() {
            return;
        }
    }
}

/// Waits until the node is told to end.
fn terminated(on_terminate: OnTerminate) -> io::Result<impl Future<Output = ()>> {
    let mut signals = match on_terminate {
        OnTerminate::Ignore => None,
        OnTerminate::End => Some((
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
        )),
    };
    Ok(async move {
        match &mut signals {
            None => pending().await,
            Some((terminate, interrupt)) => tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            },
        }
    })
}

fn adopt(listener: std::os::unix::net::UnixListener) -> io::Result<UnixListener> {
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener)
}

fn endpoint(stream: &impl AsFd) -> io::Result<Arc<Endpoint>> {
    let descriptor: OwnedFd = stream.as_fd().try_clone_to_owned()?;
    Ok(Arc::new(Endpoint::new(descriptor)?))
}

/// Threads for what cannot be done without blocking: files, captures' ends, the network's set-up.
const BLOCKING_THREADS: usize = 16;

const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
