//! Tasks on a runtime whose threads share them.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, scope};

use protocol::role::RoleEvent;
use protocol::task::{Census, TaskRecord};
use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::job::Job;
use super::options::TaskOptions;
use super::yielding::OpenJob;
use super::{census, send};
use crate::gate::Gate;
use crate::lines;

pub(super) fn run(jobs: &[Job], options: &TaskOptions, workers: u32) -> io::Result<Census> {
    try_threads(workers)?;
    let number = AtomicU32::new(1);
    let runtime = Builder::new_multi_thread()
        .worker_threads(workers as usize)
        .thread_name_fn(move || format!("{THREAD}-{}", number.fetch_add(1, Ordering::Relaxed)))
        .enable_all()
        .build()?;
    let begun = runtime.block_on(all(begin(jobs, options), None));
    let (records, census) = begun?;
    for record in records {
        lines::print(&RoleEvent::Task(record))?;
    }
    Ok(census)
}

/// Makes sure that so many threads can be made. Where one cannot, the runtime's builder panics, and waits
/// for ever for those that it has made.
fn try_threads(threads: u32) -> io::Result<()> {
    let before = census::threads()?;
    let gate = Gate::default();
    scope(|scope| {
        let made: io::Result<Vec<_>> = (0..threads)
            .map(|_| thread::Builder::new().spawn_scoped(scope, || gate.pass()))
            .collect();
        gate.open();
        made.map(drop)
    })?;
    // The kernel counts a thread for a moment after its end, and tells nobody when it ceases to.
    while census::threads()? > before {
        thread::yield_now();
    }
    Ok(())
}

/// Opens files and sockets, before tasks run that must not block.
pub(super) fn begin(jobs: &[Job], options: &TaskOptions) -> Vec<OpenJob> {
    jobs.iter().map(|job| OpenJob::new(job, options)).collect()
}

/// The thread that a task begins on.
fn thread_name() -> String {
    let thread = thread::current();
    format!("task on {}", thread.name().unwrap_or("a thread"))
}

/// Does the tasks on the runtime that this is called in. What they came to is in the order in which
/// they ended. `process` says who does them, where that is not the thread alone.
pub(super) async fn all(
    jobs: Vec<OpenJob>,
    process: Option<&str>,
) -> io::Result<(Vec<TaskRecord>, Census)> {
    let (gate, closed) = watch::channel(false);
    let mut tasks = JoinSet::new();
    for begun in jobs {
        let mut gate = closed.clone();
        let process = process.map(str::to_owned);
        tasks.spawn(async move {
            // Where the gate is gone instead of open, nobody waits for the task any longer.
            let _ = gate.wait_for(|open| *open).await;
            begun.run(process.unwrap_or_else(thread_name)).await
        });
    }
    let census = Census {
        processes: 1,
        threads: census::threads()?,
        tasks: u32::try_from(Handle::current().metrics().num_alive_tasks()).unwrap_or(u32::MAX),
    };
    gate.send_replace(true);
    let mut records = Vec::new();
    while let Some(record) = tasks.join_next().await {
        records.push(record.map_err(|_| send::broke_off())?);
    }
    Ok((records, census))
}

/// With its number at most 15 bytes, so that `ps` shows it whole.
const THREAD: &str = "send-worker";
