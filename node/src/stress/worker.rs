//! `node stress-worker`: one client, in a process of its own.

use std::io;
use std::process::ExitCode;

use nix::sys::prctl;
use nix::sys::signal::Signal;
use plumbing::title::TitleArea;
use protocol::role::RoleEvent;

use super::blocking;
use super::job::Job;
use super::options::StressWorkerArguments;
use crate::broadcast::lines;

/// Runs `node stress-worker`: says that it is ready, waits for a line on standard input, does its job
/// and prints what came of it. The code is 1 if no line came.
pub fn work(arguments: &StressWorkerArguments) -> ExitCode {
    match run(arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => crate::cli::fail(&error),
    }
}

fn run(arguments: &StressWorkerArguments) -> io::Result<bool> {
    // It has no reason to outlive who started it, however that ended. If that has ended before this
    // call, standard input tells.
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    TitleArea::find()?.show(&format!("stress client {}", arguments.number))?;
    let job = Job::new(
        arguments.number,
        &arguments.client,
        arguments.expected.clone(),
    );
    let job = job.map_err(io::Error::other)?;
    lines::print(&RoleEvent::Ready)?;
    if io::stdin().read_line(&mut String::new())? == 0 {
        return Ok(false);
    }
    lines::print(&RoleEvent::Client(blocking::run(job)))?;
    Ok(true)
}
