//! `node stress-worker`: one client, in a process of its own.

use std::io;
use std::process::ExitCode;

use protocol::role::RoleEvent;

use super::blocking;
use super::job::Job;
use super::options::StressWorkerArguments;
use crate::{lines, worker};

/// Runs `node stress-worker`: says that it is ready, waits for a line on standard input, does its job and prints
/// the record. The exit code is 1 if no line came.
pub fn work(arguments: &StressWorkerArguments) -> io::Result<ExitCode> {
    worker::begin(&format!("stress client {}", arguments.number))?;
    let job = Job::new(
        arguments.number,
        &arguments.client,
        arguments.expected.clone(),
    );
    let job = job.map_err(io::Error::other)?;
    if !worker::await_go()? {
        return Ok(ExitCode::FAILURE);
    }
    lines::print(&RoleEvent::Client(blocking::run(job)))?;
    Ok(ExitCode::SUCCESS)
}
