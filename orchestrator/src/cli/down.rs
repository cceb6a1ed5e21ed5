//! `down`: takes labs away.

use crate::lab::reaper::take_away;
use crate::lab::{LabFolder, LabRecord};

use super::args::DownArgs;
use super::failure::{Failure, Status};
use super::find;
use super::printer::Printer;
use super::site::Site;

/// Takes a lab away, or all that are up. Works without the lab's file.
///
/// # Errors
/// If there is no such lab, another process acts on it, or something could not be removed.
pub async fn down(args: DownArgs, console: Printer, site: &Site) -> Result<Status, Failure> {
    let labs = match args.lab {
        Some(called) => vec![find::lab(&site.state, &called)?],
        None => site.state.records()?,
    };
    if labs.is_empty() {
        console.note("no lab is up");
    }
    let mut status = Status::Passed;
    for (folder, record) in labs {
        match take_down(site, &folder, &record).await {
            Ok(()) => console.note(format_args!("{} is down", record.handle.lab.name)),
            Err(failure) => {
                console.fail(&failure);
                status = failure.status();
            }
        }
    }
    Ok(status)
}

async fn take_down(site: &Site, folder: &LabFolder, record: &LabRecord) -> Result<(), Failure> {
    let _lock = folder.lock()?;
    take_away(&site.backend(record.handle.backend), folder).await?;
    Ok(())
}
