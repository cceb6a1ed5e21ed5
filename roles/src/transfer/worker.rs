//! `node send-worker`: does some of the tasks of a `node send`, in a process of its own.

use std::io;
use std::process::ExitCode;

use protocol::role::RoleEvent;
use protocol::task::{Census, Model, RunRecord};
use tokio::runtime::Builder;

use super::job::{Start, stamp};
use super::options::WorkerArguments;
use super::{blocking, census, multi_thread_async};
use crate::{lines, worker};

/// Runs `node send-worker`: says that it is ready, waits for a line on standard input, does its tasks
/// and prints what each came to. The code is 1 if it could not, or if no line came.
pub fn work(arguments: &WorkerArguments) -> io::Result<ExitCode> {
    let names: Vec<&str> = arguments.jobs.iter().map(|job| job.name.as_str()).collect();
    worker::begin(&format!("sender {}", names.join(" ")))?;
    if !worker::await_go()? {
        return Ok(ExitCode::FAILURE);
    }
    let start = Start::now();
    let worker = format!("process {}", std::process::id());
    let (model, census) = if arguments.concurrent {
        (Model::MultiProcessAsync, concurrently(arguments, &worker)?)
    } else {
        (Model::MultiProcess, in_turn(arguments, &worker)?)
    };
    lines::print(&RoleEvent::Ran(RunRecord {
        model,
        started: start.stamp(),
        ended: stamp(),
        seconds: start.elapsed().as_secs_f64(),
        census,
    }))?;
    Ok(ExitCode::SUCCESS)
}

fn in_turn(arguments: &WorkerArguments, worker: &str) -> io::Result<Census> {
    let census = Census {
        processes: 1,
        threads: census::threads()?,
        tasks: 1,
    };
    for job in &arguments.jobs {
        let record = blocking::run(job, &arguments.options, worker.to_owned());
        lines::print(&RoleEvent::Task(record))?;
    }
    Ok(census)
}

fn concurrently(arguments: &WorkerArguments, worker: &str) -> io::Result<Census> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let jobs = multi_thread_async::begin(&arguments.jobs, &arguments.options);
    let all = multi_thread_async::all(jobs, Some(worker));
    let (records, census) = runtime.block_on(all)?;
    for record in records {
        lines::print(&RoleEvent::Task(record))?;
    }
    Ok(census)
}
