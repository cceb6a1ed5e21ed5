//! `node send`: files, each a task, spread as the model says.

use std::io;
use std::process::ExitCode;

use plumbing::title::TitleArea;
use protocol::role::RoleEvent;
use protocol::task::{Model, RunRecord};

use super::job::{Start, stamp};
use super::options::SendArguments;
use super::{multi_process, multi_thread, multi_thread_async, single_thread};
use crate::lines;
use protocol::shortage::remedy;

/// Runs `node send` and prints what each task came to. The code is 0 once all have ended, whatever
/// they came to; 1 if they could not be spread.
pub fn send(arguments: &SendArguments) -> ExitCode {
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let (model, remedy) = (arguments.model, remedy(&error));
            let reason = format!("cannot send with the model {model}: {error}{remedy}");
            lines::fail(reason)
        }
    }
}

fn run(arguments: &SendArguments) -> io::Result<()> {
    let (jobs, options) = (&arguments.jobs, &arguments.options);
    TitleArea::find()?.show(&format!("sender {}", arguments.model))?;
    lines::print(&RoleEvent::Ready)?;
    let start = Start::now();
    let census = match arguments.model {
        Model::SingleThread => single_thread::run(jobs, options),
        Model::MultiThread => multi_thread::run(jobs, options),
        Model::MultiThreadAsync => multi_thread_async::run(jobs, options, arguments.workers),
        Model::MultiProcess => multi_process::run(jobs, options, arguments.processes),
        Model::MultiProcessAsync => multi_process::run_shared(jobs, options, arguments.processes),
    }?;
    let seconds = start.elapsed().as_secs_f64();
    lines::print(&RoleEvent::Ran(RunRecord {
        model: arguments.model,
        started: start.stamp(),
        ended: stamp(),
        seconds,
        census,
    }))
}

/// A task that panicked, which is a defect of this program.
pub(super) fn broke_off() -> io::Error {
    io::Error::other("a task broke off")
}
