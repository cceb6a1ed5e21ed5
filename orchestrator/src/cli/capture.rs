//! `capture`: what a node's interface sees, as pcapng, until Ctrl-C.

use std::io;
use std::path::{Path, PathBuf};

use futures_util::future::{join_all, try_join_all};
use protocol::control::{Capture, CaptureSummary};
use protocol::link::Port;
use protocol::name::{InterfaceName, NodeName};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use crate::control::CaptureStream;
use crate::control::transfer::Captured;
use crate::lab::{LabRecord, StateDir};
use crate::number::counted;

use super::args::CaptureArgs;
use super::blocking::apart;
use super::failure::{Failure, Status};
use super::find;
use super::interrupts::Interrupts;
use super::printer::Printer;
use super::site::Site;

/// Captures one interface, or all of a lab.
///
/// # Errors
/// If there is no such interface, or the file cannot be written.
pub async fn capture(args: CaptureArgs, printer: Printer, site: &Site) -> Result<Status, Failure> {
    let interrupts = Interrupts::listen()?;
    let (running, mut status) = begin_all(&args, printer, site).await?;
    if running.is_empty() {
        return Ok(status);
    }
    let stoppers: Vec<_> = running.iter().map(|(stream, _)| stream.stopper()).collect();
    printer.note("capturing; end with Ctrl-C");
    let stopping = tokio::spawn(async move {
        wait_for_end(interrupts, args.duration.map(|time| time.0)).await;
        for stopper in stoppers {
            if let Err(error) = stopper.stop().await {
                tracing::debug!(%error, "stopped a capture that had ended");
            }
        }
    });
    let summaries = try_join_all(running.into_iter().map(|one| write(one, printer))).await;
    stopping.abort();
    for (end, summary) in summaries? {
        printer.note(format_args!(
            "{end}: {}, {} dropped",
            counted(summary.packets, "frame"),
            summary.dropped
        ));
        if summary.dropped > 0 {
            printer.warn(format_args!("{end}: the capture is incomplete"));
        }
        if let Some(why) = summary.cut_short {
            printer.warn(format_args!("{end}: the capture ended early: {why}"));
            status = Status::Error;
        }
    }
    Ok(status)
}

/// One capture to be made.
struct Target {
    record: LabRecord,
    node: NodeName,
    interface: InterfaceName,
    /// `None`: standard output.
    write: Option<PathBuf>,
}

fn targets(args: &CaptureArgs, state: &StateDir) -> Result<Vec<Target>, Failure> {
    if let Some(end) = &args.end {
        let (record, Port { node, interface }) = find::port(state, end)?;
        return Ok(vec![Target {
            record,
            node,
            interface,
            write: args.write.clone(),
        }]);
    }
    let record = match &args.lab {
        Some(called) => find::lab(state, called)?.1,
        None => only_lab(state)?,
    };
    let folder = args.write.clone().unwrap_or_default();
    std::fs::create_dir_all(&folder)
        .map_err(|error| Failure::Error(format!("making {}: {error}", folder.display())))?;
    let ends = record.plan.nodes.iter().flat_map(|node| {
        node.settings
            .interfaces
            .iter()
            .map(|interface| (node.name.clone(), interface.name.clone()))
    });
    let target = |(node, interface): (NodeName, InterfaceName)| {
        let write = Some(folder.join(format!("{node}-{interface}.pcapng")));
        Target {
            record: record.clone(),
            node,
            interface,
            write,
        }
    };
    Ok(ends.map(target).collect())
}

fn only_lab(state: &StateDir) -> Result<LabRecord, Failure> {
    let mut records = state.records()?;
    match (records.pop(), records.is_empty()) {
        (Some((_, record)), true) => Ok(record),
        (None, _) => Err(Failure::Input(
            "no lab is up; raise one with `orchestrator up FILE`".to_owned(),
        )),
        (Some(_), false) => Err(Failure::Input(
            "several labs are up; name one with --lab".to_owned(),
        )),
    }
}

/// Begins every capture that was asked for; says which could not be begun. Where all of a lab are
/// asked for, a node that is gone is no reason not to capture the others.
async fn begin_all(
    args: &CaptureArgs,
    printer: Printer,
    site: &Site,
) -> Result<(Vec<(CaptureStream, Target)>, Status), Failure> {
    let targets = targets(args, &site.state)?.into_iter();
    let begun = join_all(targets.map(|target| begin(site, target, args.snap_length))).await;
    let (mut running, mut status) = (Vec::new(), Status::Passed);
    for begun in begun {
        match begun {
            Ok(capture) => running.push(capture),
            Err(failure) if args.all => {
                printer.fail(&failure);
                status = failure.status();
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok((running, status))
}

async fn begin(
    site: &Site,
    target: Target,
    snap_length: Option<u32>,
) -> Result<(CaptureStream, Target), Failure> {
    let port = Port {
        node: target.node.clone(),
        interface: target.interface.clone(),
    };
    let fabric = site.backend(target.record.handle.backend);
    let fabric = fabric.attach(&target.record.handle).await?;
    if let Some(stream) = fabric.tap(&port, snap_length).await? {
        return Ok((stream, target));
    }
    let control = find::open(site, &target.record, target.node.clone()).await?;
    let interface = target.interface.clone();
    let capture = Capture {
        interface,
        snap_length,
        limit: u64::MAX,
    };
    let stream = control.capture(capture).await;
    Ok((stream.map_err(Failure::of_named)?, target))
}

/// The place that a capture is written to.
enum Sink {
    File { file: File, path: PathBuf },
    Output(Printer),
}

impl Sink {
    async fn open(path: Option<&Path>, printer: Printer) -> Result<Self, Failure> {
        let Some(path) = path else {
            return Ok(Self::Output(printer));
        };
        let file = File::create(path).await.map_err(writing(path))?;
        let path = path.to_owned();
        Ok(Self::File { file, path })
    }

    /// Writes bytes, and says whether anybody still reads them.
    async fn write(&mut self, bytes: Vec<u8>) -> Result<bool, Failure> {
        match self {
            Self::Output(printer) => {
                let printer = *printer;
                Ok(apart(move || printer.bytes(&bytes)).await)
            }
            Self::File { file, path } => {
                file.write_all(&bytes).await.map_err(writing(path))?;
                file.flush().await.map_err(writing(path))?;
                Ok(true)
            }
        }
    }
}

fn writing(path: &Path) -> impl FnOnce(io::Error) -> Failure {
    move |error| Failure::Error(format!("writing {}: {error}", path.display()))
}

async fn write(
    (mut stream, target): (CaptureStream, Target),
    printer: Printer,
) -> Result<(String, CaptureSummary), Failure> {
    let mut sink = Sink::open(target.write.as_deref(), printer).await?;
    let mut left = false;
    loop {
        match stream.next().await? {
            // A reader that has gone has had all that it wanted; the rest is counted all the same.
            Captured::Bytes(_) if left => {}
            Captured::Bytes(bytes) => {
                if !sink.write(bytes).await? {
                    left = true;
                    stream.stopper().stop().await?;
                }
            }
            Captured::Ended(summary) => {
                return Ok((format!("{}:{}", target.node, target.interface), summary));
            }
        }
    }
}

/// Waits for Ctrl-C or its like, or the end of the time asked for.
async fn wait_for_end(mut interrupts: Interrupts, duration: Option<std::time::Duration>) {
    let limit = async {
        match duration {
            Some(duration) => tokio::time::sleep(duration).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = interrupts.next() => {}
        () = limit => {}
    }
}
