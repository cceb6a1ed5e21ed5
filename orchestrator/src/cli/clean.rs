//! `clean`: removes leftovers of crashed runs.

use std::fmt::Display;
use std::sync::Arc;

use serde::Serialize;

use crate::backend::docker::DockerBackend;
use crate::backend::{Backend, BackendError, BackendKind, Resource};
use crate::lab::{Observer, StateDir, Sweep};
use crate::report::plain_text::visible;

use super::args::{CleanArgs, Format};
use super::failure::{Failure, Status};
use super::printer::Printer;
use super::site::{Site, node_binary};

/// Removes things that are proved to be ours and belong to no lab that is up or at work.
///
/// # Errors
/// If the state folder cannot be read, or nothing is left of a lab that was named.
pub async fn clean(args: CleanArgs, printer: Printer, site: &Site) -> Result<Status, Failure> {
    let state = &site.state;
    if args.labs.is_empty() {
        let folder = state.path().display();
        printer.note(format_args!(
            "looking for leftovers of labs recorded in {folder}"
        ));
    }
    let kinds = [BackendKind::Netns, BackendKind::Docker];
    let mut backends: Vec<Arc<dyn Backend>> = kinds.map(|kind| site.backend(kind)).into();
    let servers = site.servers(&unfinished(state)?).into_iter();
    backends.extend(servers.map(|server| Arc::new(server) as Arc<dyn Backend>));
    let mut account = Account::new(args.dry_run, printer);
    let sweep = Sweep {
        state,
        backends: &backends,
        only: &args.labs,
        dry_run: args.dry_run,
    };
    let missing = sweep.run(&mut account).await?;
    let asked = args.images || args.labs.is_empty();
    if asked && !account.docker_is_unseen && account.failed.is_empty() {
        images(&args, &mut account).await?;
    }
    let status = account.close(&missing)?;
    match missing.as_slice() {
        names if names.is_empty() || status != Status::Passed => Ok(status),
        names => Err(Failure::Input(format!(
            "nothing is left of a lab `{}` here",
            names.join("`, `")
        ))),
    }
}

/// Returns the resources in the ledgers of labs that are not up.
fn unfinished(state: &StateDir) -> Result<Vec<Resource>, Failure> {
    let folders = state.folders()?.into_iter();
    let unfinished = folders.filter(|folder| matches!(folder.record(), Ok(None)));
    let listed = unfinished.filter_map(|folder| folder.listed().ok());
    Ok(listed.flat_map(|listed| listed.resources).collect())
}

/// An account of the work, printed as it is done or, in JSON, at the end.
#[derive(Debug, Serialize)]
struct Account {
    #[serde(skip)]
    printer: Printer,
    /// Whether there is a backend that was not searched.
    #[serde(skip)]
    unseen: bool,
    #[serde(skip)]
    docker_is_unseen: bool,
    dry_run: bool,
    /// The things that were removed, or would be.
    removed: Vec<String>,
    /// The things that stay, with the reasons.
    stays: Vec<String>,
    /// The things that could not be removed, with the reasons.
    failed: Vec<String>,
}

impl Observer for Account {
    fn removing(&mut self, thing: &dyn Display) {
        let verb = if self.dry_run {
            "would remove"
        } else {
            "removing"
        };
        if self.printer.format == Format::Table {
            self.printer.result(format_args!("{verb} {thing}"));
        }
        self.removed.push(thing.to_string());
    }

    fn staying(&mut self, why: String) {
        let why = visible(&why).into_owned();
        self.printer.note(&why);
        self.stays.push(why);
    }

    fn failed(&mut self, why: String) {
        self.failed.push(why.clone());
        self.printer.fail(&Failure::Error(why));
    }

    fn unseen(&mut self, backend: BackendKind, why: &BackendError) {
        if backend == BackendKind::Docker {
            self.docker_is_unseen = true;
            self.printer
                .note(format_args!("Docker was not looked through: {why}"));
        } else {
            self.unseen = true;
            self.printer
                .warn(format_args!("{backend} was not looked through: {why}"));
        }
    }
}

impl Account {
    fn new(dry_run: bool, printer: Printer) -> Self {
        Self {
            printer,
            unseen: false,
            docker_is_unseen: false,
            dry_run,
            removed: Vec::new(),
            stays: Vec::new(),
            failed: Vec::new(),
        }
    }

    fn close(self, missing: &[String]) -> Result<Status, Failure> {
        if self.printer.format == Format::Json {
            self.printer.json(&self)?;
        } else if !self.failed.is_empty() || !missing.is_empty() {
            // The failures have been printed already, or are about to be.
        } else if self.removed.is_empty() && self.unseen {
            self.printer.note("nothing was found elsewhere");
        } else if self.removed.is_empty() && self.stays.is_empty() {
            self.printer.note("nothing is left of any lab");
        } else if self.removed.is_empty() {
            self.printer.note("nothing is left of any other lab");
        }
        Ok(if self.failed.is_empty() {
            Status::Passed
        } else {
            Status::Leftovers
        })
    }
}

/// Names the cached node images, and removes them if `--images` is given.
async fn images(args: &CleanArgs, account: &mut Account) -> Result<(), Failure> {
    let docker = DockerBackend::from_environment(node_binary);
    let Ok(cached) = docker.cached_images().await else {
        return Ok(());
    };
    for image in cached {
        if !args.images {
            let printer = account.printer;
            printer.note(format_args!(
                "{image} stays as a cache; --images removes it"
            ));
            continue;
        }
        account.removing(&image);
        if !args.dry_run {
            docker.remove(&image).await?;
        }
    }
    Ok(())
}
