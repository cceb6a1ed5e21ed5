//! `node capture`, for people.

use std::fs::File;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::EventFd;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::SignalFd;
use protocol::control::Capture;
use protocol::name::InterfaceName;

use super::running;

/// Arguments of `node capture`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The interface to listen on.
    #[arg(long)]
    interface: InterfaceName,
    /// Where the frames go; default: standard output.
    #[arg(long)]
    output: Option<PathBuf>,
    /// Bytes kept of each frame; default: all.
    #[arg(long)]
    snap_length: Option<u32>,
    /// Ends the capture once so many bytes were written.
    #[arg(long, default_value_t = u64::MAX)]
    limit: u64,
}

/// Runs `node capture` until an interrupt, a termination signal, or a failure.
pub fn main(arguments: Arguments) -> ExitCode {
    match capture(arguments) {
        Ok(code) => code,
        Err(error) => crate::cli::fail(&*error),
    }
}

fn capture(arguments: Arguments) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM]);
    // Before the capture's thread exists, so that it inherits the mask.
    signals.thread_block()?;
    let signals = SignalFd::new(&signals)?;
    let mut output: Box<dyn Write + Send> = match &arguments.output {
        Some(path) => {
            let named = |error| format!("cannot write {}: {error}", path.display());
            Box::new(File::create(path).map_err(named)?)
        }
        None => Box::new(io::stdout()),
    };
    let ended = Ended(Arc::new(EventFd::new()?));
    let over = Arc::clone(&ended.0);
    let capture = Capture {
        interface: arguments.interface,
        snap_length: arguments.snap_length,
        limit: arguments.limit,
    };
    let running = running::start(capture, move |bytes| {
        let _keep = &ended;
        match output.write_all(&bytes).and_then(|()| output.flush()) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    })?;
    io::stderr().write_all(b"capturing; end it with Ctrl-C\n")?;
    wait(&signals, &over)?;
    let summary = running.stop();
    let (packets, dropped) = (summary.packets, summary.dropped);
    let counted = format!("{packets} frames captured, {dropped} dropped\n");
    io::stderr().write_all(counted.as_bytes())?;
    if let Some(why) = summary.cut_short {
        return Err(format!("the capture is incomplete: {why}").into());
    }
    Ok(ExitCode::SUCCESS)
}

/// Tells whoever waits that the capture has ended: the sink that holds it was dropped.
struct Ended(Arc<EventFd>);

impl Drop for Ended {
    fn drop(&mut self) {
        // An eventfd refuses only to count beyond 2^64.
        let _ = self.0.write(1);
    }
}

/// Waits for a signal or the capture's own end.
fn wait(signals: &SignalFd, over: &EventFd) -> io::Result<()> {
    let mut sources = [
        PollFd::new(signals.as_fd(), PollFlags::POLLIN),
        PollFd::new(over.as_fd(), PollFlags::POLLIN),
    ];
    loop {
        match poll(&mut sources, PollTimeout::NONE) {
            Err(Errno::EINTR) => {}
            result => return Ok(result.map(|_| ())?),
        }
    }
}
