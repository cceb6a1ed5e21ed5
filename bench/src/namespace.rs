//! Network namespaces of our own, and when the kernel has finished with those that are gone.

use std::fs::File;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::sched::CloneFlags;
use nix::unistd::geteuid;
use plumbing::namespace::enter_new;
use plumbing::netlink::{Batch, LinkMonitor, NetworkNamespace, RouteSocket, VethEnd};

use crate::error::BenchError;

/// Runs `work` on a thread of its own, which may enter namespaces and ends then.
///
/// # Errors
/// Its own.
pub async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BenchError> + Send + 'static,
) -> Result<T, BenchError> {
    let (done, outcome) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || done.send(work()).is_ok());
    let ended = |_| BenchError::Wrong("its thread ended".to_owned());
    outcome.await.map_err(ended)?
}

/// A new network namespace, which the thread is then in.
///
/// # Errors
/// Without the right to make one.
pub fn enter_new_network() -> Result<File, BenchError> {
    enter_new(CloneFlags::CLONE_NEWNET).map_err(BenchError::system("making a namespace"))?;
    File::open("/proc/thread-self/ns/net").map_err(BenchError::system("holding a namespace"))
}

/// Waits until the kernel has taken apart every network namespace that nobody is in any more. It does
/// that by itself, some time after the last process has gone, and holds up whoever works with links
/// meanwhile: without this, each entrant would pay for the one before it. Only root can tell; others do
/// not wait.
///
/// # Errors
/// If the kernel does not finish.
pub async fn all_gone() -> Result<(), BenchError> {
    if !geteuid().is_root() {
        return Ok(());
    }
    on_a_thread(|| {
        // The kernel takes apart one batch at a time. Once a namespace of the second batch is gone,
        // the first has been dealt with to its end.
        watch_one_go()?;
        watch_one_go()
    })
    .await
}

/// Makes a namespace with a cable to it, leaves it, and waits until the cable is gone with it.
fn watch_one_go() -> Result<(), BenchError> {
    let gone = enter_new_network()?;
    let _stay = enter_new_network()?;
    let mut route = RouteSocket::open()?;
    let mut monitor = LinkMonitor::open()?;
    let mut batch = Batch::new();
    let here = VethEnd {
        name: CABLE,
        index: None,
        mac: None,
        namespace: None,
    };
    let there = VethEnd {
        namespace: Some(NetworkNamespace::Open(gone.as_fd())),
        ..here
    };
    batch.create_veth(&here, &there, None);
    route.carry_out(batch)?;
    drop(gone);
    let deadline = Instant::now() + PATIENCE;
    while route.links()?.iter().any(|link| link.name == CABLE) {
        let left = deadline.saturating_duration_since(Instant::now());
        if !monitor.wait(left)? {
            return Err(BenchError::Deadline {
                what: "taking namespaces apart".to_owned(),
                seconds: PATIENCE.as_secs(),
            });
        }
    }
    Ok(())
}

const CABLE: &str = "cable";

/// Hundreds of namespaces take seconds on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
