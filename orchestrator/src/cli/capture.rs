//! `capture`: what a node's interface sees, as pcapng, until Ctrl-C.

use std::path::{Path, PathBuf};

use futures_util::future::try_join_all;
use protocol::control::{Capture, CaptureSummary};
use protocol::name::{InterfaceName, NodeName};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::signal::unix::{SignalKind, signal};

use crate::control::CaptureStream;
use crate::control::transfer::Captured;
use crate::lab::{LabRecord, StateDir};

use super::args::CaptureArgs;
use super::console::Console;
use super::failure::{Failure, Status};
use super::find;

/// Captures one interface, or all of a lab.
///
/// # Errors
/// If there is no such interface, or the file cannot be written.
pub async fn capture(
    args: CaptureArgs,
    console: Console,
    state: &StateDir,
) -> Result<Status, Failure> {
    let targets = targets(&args, state)?;
    let snap_length = args.snap_length;
    let begun = targets
        .into_iter()
        .map(|target| begin(state, target, snap_length));
    let running = try_join_all(begun).await?;
    let stoppers: Vec<_> = running.iter().map(|(stream, _)| stream.stopper()).collect();
    console.note("capturing; end with Ctrl-C");
    let stopping = tokio::spawn(async move {
        wait_for_end(args.duration.map(|time| time.0)).await;
        for stopper in stoppers {
            if let Err(error) = stopper.stop().await {
                tracing::debug!(%error, "stopped a capture that had ended");
            }
        }
    });
    let summaries = try_join_all(running.into_iter().map(|(s, target)| write(s, target))).await;
    stopping.abort();
    let mut status = Status::Passed;
    for (end, summary) in summaries? {
        console.note(format_args!(
            "{end}: {} frames, {} dropped",
            summary.packets, summary.dropped
        ));
        if summary.dropped > 0 {
            console.warn(format_args!("{end}: the capture is incomplete"));
        }
        if let Some(why) = summary.cut_short {
            console.warn(format_args!("{end}: the capture ended early: {why}"));
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
        let (called, interface) = end.rsplit_once(':').unwrap_or((end, "eth0"));
        let (record, node) = find::node(state, called)?;
        let interface = interface
            .parse()
            .map_err(|error| Failure::Input(format!("{error}")))?;
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

async fn begin(
    state: &StateDir,
    target: Target,
    snap_length: Option<u32>,
) -> Result<(CaptureStream, Target), Failure> {
    let control = find::open(state, &target.record, target.node.clone()).await?;
    let interface = target.interface.clone();
    let capture = Capture {
        interface,
        snap_length,
        limit: u64::MAX,
    };
    Ok((control.capture(capture).await?, target))
}

async fn write(
    mut stream: CaptureStream,
    target: Target,
) -> Result<(String, CaptureSummary), Failure> {
    let name = target
        .write
        .as_deref()
        .unwrap_or(Path::new("standard output"))
        .display()
        .to_string();
    let failed = |error| Failure::Error(format!("writing {name}: {error}"));
    let mut out: Box<dyn AsyncWrite + Send + Unpin> = match &target.write {
        Some(path) => Box::new(tokio::fs::File::create(path).await.map_err(failed)?),
        None => Box::new(tokio::io::stdout()),
    };
    loop {
        match stream.next().await? {
            Captured::Bytes(bytes) => {
                out.write_all(&bytes).await.map_err(failed)?;
                out.flush().await.map_err(failed)?;
            }
            Captured::Ended(summary) => {
                return Ok((format!("{}:{}", target.node, target.interface), summary));
            }
        }
    }
}

/// Waits for Ctrl-C, SIGTERM, or the end of the time asked for.
async fn wait_for_end(duration: Option<std::time::Duration>) {
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return;
    };
    let limit = async {
        match duration {
            Some(duration) => tokio::time::sleep(duration).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        () = limit => {}
    }
}
