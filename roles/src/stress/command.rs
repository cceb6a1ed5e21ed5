//! `node stress`: so many clients at once, and what they came to.

use std::collections::BTreeMap;
use std::io;
use std::process::ExitCode;

use plumbing::title::TitleArea;
use protocol::role::RoleEvent;
use protocol::stress::{ClientRecord, Operation, StressRecord, Times, Workers};

use super::job::{Job, hash, shared_content};
use super::options::StressArguments;
use super::{processes, tasks, threads};
use crate::lines;

/// The outcome of all clients.
#[derive(Debug)]
pub(super) struct Ended {
    /// Seconds from the moment they were let go until the last had ended.
    pub(super) seconds: f64,
    pub(super) records: Vec<ClientRecord>,
}

/// Runs `node stress` and prints what each client did. The code is 0 once all have ended, whatever they
/// came to; 1 if they could not be started.
pub fn stress(arguments: &StressArguments) -> ExitCode {
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let (workers, model) = (arguments.workers, arguments.model);
            let reason = format!("cannot have {workers} clients ({model}): {error}");
            lines::fail(reason)
        }
    }
}

/// Prints what a client did, as soon as it is known.
pub(super) fn tell(record: &ClientRecord) -> io::Result<()> {
    lines::print(&RoleEvent::Client(record.clone()))
}

fn run(arguments: &StressArguments) -> io::Result<()> {
    TitleArea::find()?.show(&format!("stress {}", arguments.model))?;
    plumbing::descriptor::raise_limit()?;
    let options = &arguments.client;
    // Once for all, before any clock runs.
    let expected = (options.operation == Operation::Download)
        .then(|| hash(shared_content(options.seed), options.size));
    let jobs = (0..arguments.workers).map(|client| Job::new(client, options, expected.clone()));
    let jobs: Result<Vec<Job>, _> = jobs.collect();
    let jobs = jobs.map_err(io::Error::other)?;
    lines::print(&RoleEvent::Ready)?;
    let ended = match arguments.model {
        Workers::Thread => threads::run(jobs),
        Workers::Process => processes::run(jobs),
        Workers::Async => tasks::run(jobs),
    }?;
    lines::print(&RoleEvent::Stressed(summary(arguments, ended)))
}

#[expect(clippy::cast_precision_loss, reason = "bytes for a mean")]
fn summary(arguments: &StressArguments, ended: Ended) -> StressRecord {
    let options = &arguments.client;
    let mut reasons = BTreeMap::new();
    let mut seconds = Vec::new();
    for record in ended.records {
        match record.failure {
            Some(reason) => *reasons.entry(reason).or_default() += 1,
            None => seconds.push(record.seconds),
        }
    }
    let ok = u32::try_from(seconds.len()).unwrap_or(u32::MAX);
    let size = options.size as f64;
    let each: f64 = seconds.iter().map(|seconds| size / seconds).sum();
    StressRecord {
        operation: options.operation,
        model: arguments.model,
        clients: arguments.workers,
        size: options.size,
        ok,
        failed: arguments.workers.saturating_sub(ok),
        reasons,
        seconds: ended.seconds,
        client_throughput: if ok > 0 { each / f64::from(ok) } else { 0.0 },
        throughput: size * f64::from(ok) / ended.seconds,
        times: Times::of(seconds),
        buffer: options.buffer as u64,
    }
}
