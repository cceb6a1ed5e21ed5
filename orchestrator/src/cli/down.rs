//! `down`: takes labs down.

use crate::backend::{BackendKind, Resource};
use crate::lab::reaper::take_away;
use crate::lab::{LabFolder, Standing, StateDir};

use super::args::DownArgs;
use super::failure::{Failure, Status};
use super::find;
use super::printer::Printer;
use super::site::Site;

/// Takes a lab down, or all that are up. It needs neither the lab's file nor its record.
///
/// # Errors
/// If there is no such lab, another process acts on it, or something could not be removed.
pub async fn down(args: DownArgs, printer: Printer, site: &Site) -> Result<Status, Failure> {
    let labs = match args.lab {
        Some(called) => vec![find::lab_to_end(&site.state, &called)?],
        None => all(&site.state)?,
    };
    if labs.is_empty() {
        printer.note("no lab is up");
    }
    let mut status = Status::Passed;
    for folder in labs {
        match take_down(site, &folder).await {
            Ok(()) => printer.note(format_args!("{} is down", folder.lab().name)),
            Err(failure) => {
                printer.fail(&failure);
                status = failure.status();
            }
        }
    }
    Ok(status)
}

/// Lists all labs that are up, that are being removed, or whose record cannot be read.
fn all(state: &StateDir) -> Result<Vec<LabFolder>, Failure> {
    let labs = state.labs()?.into_iter();
    let up = labs.filter(|(_, standing)| !matches!(standing, Standing::Unfinished));
    Ok(up.map(|(folder, _)| folder).collect())
}

/// Finishes removals of labs of this name that killed processes began.
///
/// # Errors
/// If something could not be removed.
pub async fn finish(site: &Site, name: &str) -> Result<(), Failure> {
    for (folder, standing) in site.state.labs()? {
        let is_ending = matches!(standing, Standing::Ending);
        if is_ending && folder.lab().name.as_str() == name {
            take_down(site, &folder).await?;
        }
    }
    Ok(())
}

async fn take_down(site: &Site, folder: &LabFolder) -> Result<(), Failure> {
    let _lock = folder.lock()?;
    // A lab is on one backend, which its ledger names before anything else exists.
    let listed = folder.listed()?;
    let kind = listed.resources.first().map(Resource::backend);
    let backend = site.backend(kind.unwrap_or(BackendKind::Fake));
    take_away(&backend, folder).await?;
    Ok(())
}
