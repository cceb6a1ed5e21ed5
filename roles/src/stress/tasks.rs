//! Clients that are tasks.

use std::io;
use std::time::Instant;

use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::command::{Ended, tell};
use super::job::Job;
use super::yielding;

/// Does all jobs at once.
pub(super) fn run(jobs: Vec<Job>) -> io::Result<Ended> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = Builder::new_multi_thread()
        .worker_threads(processors.min(jobs.len()).max(1))
        .thread_name("client")
        .enable_all()
        .build()?;
    runtime.block_on(all(jobs))
}

async fn all(jobs: Vec<Job>) -> io::Result<Ended> {
    let (gate, closed) = watch::channel(false);
    let mut tasks = JoinSet::new();
    for job in jobs {
        let mut gate = closed.clone();
        tasks.spawn(async move {
            // Where the gate is gone instead of open, nobody waits for the task any longer.
            let _ = gate.wait_for(|open| *open).await;
            yielding::run(job).await
        });
    }
    let began = Instant::now();
    gate.send_replace(true);
    let mut records = Vec::new();
    while let Some(record) = tasks.join_next().await {
        let record = record.map_err(|_| io::Error::other("a client broke off"))?;
        tell(&record)?;
        records.push(record);
    }
    Ok(Ended {
        seconds: began.elapsed().as_secs_f64(),
        records,
    })
}
