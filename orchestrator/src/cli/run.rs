//! `up`, `deploy` and `run`: raise a lab, run its scenarios, verify, report.

use std::fs;
use std::time::Instant;

use crate::lab::{Lab, NameLock, Reaper};
use crate::report::model::Outcome;
use crate::topology::model::Topology;

use super::args::{Format, RaiseArgs, RunArgs, UpArgs};
use super::failure::{Failure, Status};
use super::input::Source;
use super::job::{Job, keep, raise};
use super::printer::Printer;
use super::progress::Progress;
use super::request::Request;
use super::site::Site;
use super::{down, find, select, summary};

/// Raises a lab, runs its scenarios and leaves it up.
///
/// # Errors
/// If the file is wrong, this machine lacks something, or the lab could not be raised.
pub async fn up(
    args: UpArgs,
    printer: Printer,
    site: &Site,
    reaper: Reaper,
) -> Result<Status, Failure> {
    if args.no_run {
        return deploy(args.raise, printer, site, reaper).await;
    }
    let request = Request::new(&args.raise).await?;
    let _claim = claim_name(site, &request.topology).await?;
    let backend = select::choose(args.raise.backend, &request.plan(), site, printer).await?;
    request.fits(backend.as_ref())?;
    let mut job = Job::begin(request, args.scenarios, backend.as_ref(), printer).await?;
    let lab = job.raise(backend, &site.state, reaper).await?;
    let report = job.scenarios(&lab).await;
    job.keep(lab).await?;
    job.finish(report, true)
}

/// Raises a lab and leaves it up.
///
/// # Errors
/// As [`up`].
pub async fn deploy(
    args: RaiseArgs,
    printer: Printer,
    site: &Site,
    reaper: Reaper,
) -> Result<Status, Failure> {
    let request = Request::new(&args).await?;
    let _claim = claim_name(site, &request.topology).await?;
    let plan = request.plan();
    let backend = select::choose(args.backend, &plan, site, printer).await?;
    request.fits(backend.as_ref())?;
    let progress = Progress::new(printer, None);
    let (lab, timings) = raise(&request, backend, &site.state, reaper, &progress).await?;
    keep(lab, &request).await?;
    match printer.format {
        Format::Json => printer.json(&plan)?,
        Format::Table => {
            printer.result(summary::raised(&plan, timings));
            printer.result(summary::next_steps(&request.topology));
        }
    }
    Ok(Status::Passed)
}

/// Raises a lab, runs its scenarios and takes it down; or runs them in a lab that is up.
///
/// # Errors
/// As [`up`].
pub async fn run(
    args: RunArgs,
    printer: Printer,
    site: &Site,
    reaper: Reaper,
) -> Result<Status, Failure> {
    if let Some(name) = args.lab.clone() {
        return run_in(&name, args, printer, site, reaper).await;
    }
    let request = Request::new(&args.raise).await?;
    let backend = select::choose(args.raise.backend, &request.plan(), site, printer).await?;
    request.fits(backend.as_ref())?;
    let mut job = Job::begin(request, args.scenarios, backend.as_ref(), printer).await?;
    let lab = job.raise(backend, &site.state, reaper).await?;
    let mut report = job.scenarios(&lab).await;
    let bad = !matches!(report.outcome, Outcome::Passed | Outcome::Skipped);
    if bad && args.keep_on_failure {
        job.keep(lab).await?;
        return job.finish(report, true);
    }
    let down = Instant::now();
    let gone = lab.destroy().await;
    report.timings.down = down.elapsed().as_secs_f64();
    // What was found is reported even where something could not be removed, and the other way round.
    let finished = job.finish(report, false);
    if let Err(left) = gone {
        if let Err(failure) = &finished {
            printer.fail(failure);
        }
        return Err(left.into());
    }
    finished
}

/// Runs the scenarios of a lab's file in the lab that is up.
async fn run_in(
    name: &str,
    args: RunArgs,
    printer: Printer,
    site: &Site,
    reaper: Reaper,
) -> Result<Status, Failure> {
    let (folder, record) = find::lab(&site.state, name)?;
    let mut overrides = record.overrides.clone();
    overrides.extend(args.raise.settings);
    if fs::read_to_string(&record.file).is_ok_and(|text| text != record.text) {
        printer.warn(format_args!(
            "{} has changed since {name} was raised, and is run as it was; `orchestrator down {name}`, \
             then `up`, takes it as it is",
            record.file.display()
        ));
    }
    let source = Source {
        file: record.file.clone(),
        text: record.text.clone(),
        overrides,
    };
    let request = Request::again(source, record.handle.lab.clone()).await?;
    let backend = site.backend(record.handle.backend);
    request.fits(backend.as_ref())?;
    let job = Job::begin(request, args.scenarios, backend.as_ref(), printer).await?;
    let lab = Lab::attach(backend, record, folder, reaper).await?;
    job.warn_of(&lab);
    let report = job.scenarios(&lab).await;
    drop(lab);
    job.finish(report, true)
}

/// The right to raise a lab of this name that stays up, if none is.
async fn claim_name(site: &Site, topology: &Topology) -> Result<NameLock, Failure> {
    let name = topology.name.as_str();
    let claim = site.state.lock_name(name)?;
    let records = site.state.records()?;
    if records
        .iter()
        .any(|(folder, _)| folder.lab().name.as_str() == name)
    {
        let hint = format!(
            "run its scenarios again with `orchestrator run --lab {name}`, or take it down with \
             `orchestrator down {name}`"
        );
        return Err(Failure::Input(format!("lab {name} is up already; {hint}")));
    }
    down::finish(site, name).await?;
    Ok(claim)
}
