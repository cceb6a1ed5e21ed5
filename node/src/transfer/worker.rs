//! `node send-worker`: does some of the tasks of a `node send`, in a process of its own.

use std::io;
use std::process::ExitCode;

use nix::sys::prctl;
use nix::sys::signal::Signal;
use plumbing::title::TitleArea;
use protocol::role::RoleEvent;
use protocol::task::{Census, Model, RunRecord};
use tokio::runtime::Builder;

use super::job::{Start, stamp};
use super::options::WorkerArguments;
use super::{blocking, census, multi_thread_async};
use crate::broadcast::lines;

/// Runs `node send-worker`: says that it is ready, waits for a line on standard input, does its tasks
/// and prints what each came to. The code is 1 if it could not, or if no line came.
pub fn work(arguments: &WorkerArguments) -> ExitCode {
    match run(arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => crate::cli::fail(&error),
    }
}

fn run(arguments: &WorkerArguments) -> io::Result<bool> {
    // It has no reason to outlive who started it, however that ended. If that has ended before this
    // call, standard input tells.
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    let names: Vec<&str> = arguments.jobs.iter().map(|job| job.name.as_str()).collect();
    TitleArea::find()?.show(&format!("sender {}", names.join(" ")))?;
    lines::print(&RoleEvent::Ready)?;
    if io::stdin().read_line(&mut String::new())? == 0 {
        return Ok(false);
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
    Ok(true)
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
