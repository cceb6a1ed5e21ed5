//! A capture as its owner sees it.

use std::io;
use std::ops::ControlFlow;
use std::sync::{Arc, mpsc};
use std::thread;

use nix::errno::Errno;
use nix::sys::sysinfo::sysinfo;
use protocol::control::{Capture, CaptureSummary, Failure, FailureKind};
use protocol::name::InterfaceName;

use super::file::CaptureFile;
use super::frames::{Frames, beginnings};
use super::worker::{Stop, Worker};

/// A capture at work on a thread of its own. It goes on without its owner if this is dropped, until
/// its sink breaks.
#[derive(Debug)]
#[must_use = "a capture that is not stopped goes on, and its drops are never known"]
pub struct Running {
    stop: Arc<Stop>,
    summary: mpsc::Receiver<CaptureSummary>,
}

/// Starts a capture. When it returns, every later frame will be seen. `sink` is given pcapng bytes,
/// at most [`protocol::frame::DATA_CHUNK`] at once, on the capture's thread and may block; `Break`
/// from it ends the capture. It is dropped when the capture ends by itself, so that its owner knows
/// and can call [`Running::stop`].
///
/// # Errors
/// [`FailureKind::NotFound`] for an interface that is not there, [`FailureKind::Denied`] without
/// `CAP_NET_RAW`.
pub fn start(
    capture: Capture,
    sink: impl FnMut(Vec<u8>) -> ControlFlow<()> + Send + 'static,
) -> Result<Running, Failure> {
    let buffer = match beginnings(capture.snap_length) {
        Some(_) => ring(),
        None => BUFFER,
    };
    start_with_buffer(capture, buffer, sink)
}

/// [`start`] with a kernel buffer of this many bytes.
pub(super) fn start_with_buffer(
    capture: Capture,
    buffer: usize,
    sink: impl FnMut(Vec<u8>) -> ControlFlow<()> + Send + 'static,
) -> Result<Running, Failure> {
    let interface = capture.interface.clone();
    let failed = |error: io::Error| failure(&interface, &error);
    let frames = Frames::open(&interface, capture.snap_length, buffer).map_err(failed)?;
    let file = CaptureFile::begin(capture).map_err(failed)?;
    let stop = Arc::new(Stop::new().map_err(failed)?);
    let (sender, summary) = mpsc::sync_channel(1);
    let asked = Arc::clone(&stop);
    let work = move || {
        let mut worker = Worker { sink, file, frames };
        // Whoever waits is told before the socket is closed, which takes ten milliseconds. Nobody
        // waits if the capture was abandoned.
        let _ = sender.send(worker.run(&asked));
    };
    thread::Builder::new()
        .name("capture".to_owned())
        .spawn(work)
        .map_err(failed)?;
    Ok(Running { stop, summary })
}

impl Running {
    /// Ends the capture after giving everything that has arrived by now to the sink, which is not
    /// called any more when this returns. Blocks for as long as the sink does.
    pub fn stop(self) -> CaptureSummary {
        self.stop.ask();
        self.summary.recv().unwrap_or_else(|_| CaptureSummary {
            packets: 0,
            dropped: 0,
            cut_short: Some("the capture's thread came to grief".to_owned()),
        })
    }
}

fn failure(interface: &InterfaceName, error: &io::Error) -> Failure {
    let (kind, why) = match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ENODEV) => (
            FailureKind::NotFound,
            "there is no such interface".to_owned(),
        ),
        Some(Errno::EPERM | Errno::EACCES) => (
            FailureKind::Denied,
            "capturing needs CAP_NET_RAW".to_owned(),
        ),
        _ => (FailureKind::System, error.to_string()),
    };
    Failure {
        kind,
        message: format!("cannot capture {interface}: {why}"),
    }
}

/// Bytes of a ring for the beginnings of frames: enough for a second of headers at many Gbit/s, and
/// no more than a thousandth of the machine's memory, for it is taken up at once and hundreds of
/// interfaces may be captured.
fn ring() -> usize {
    let memory = sysinfo().map_or(0, |machine| machine.ram_total());
    usize::try_from(memory / 1024).map_or(RING, |share| share.min(RING))
}

/// Enough for a tenth of a second at several Gbit/s. The kernel takes it up only as frames wait.
const BUFFER: usize = 64 << 20;
const RING: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use nix::sched::{CloneFlags, unshare};
    use plumbing::netlink::{Batch, RouteSocket};

    use super::*;

    #[test]
    fn what_the_kernel_dropped_is_counted() {
        // Whole frames in a queue, and their beginnings in the smallest ring.
        drops_are_counted(None);
        drops_are_counted(Some(128));
    }

    fn drops_are_counted(snap_length: Option<u32>) {
        let work = || {
            unshare(CloneFlags::CLONE_NEWNET).unwrap();
            bring_up_loopback();
            let (open, opened) = mpsc::channel::<()>();
            let capture = Capture {
                interface: "lo".parse().unwrap(),
                snap_length,
                limit: u64::MAX,
            };
            // The first chunk waits until everything was sent, and so does everything behind it.
            let sink = move |_bytes| {
                let _ = opened.recv();
                ControlFlow::Continue(())
            };
            let running = start_with_buffer(capture, 64 << 10, sink).unwrap();
            let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
            for _ in 0..SENT {
                sender.send_to(&[7; 1400], "127.0.0.1:9").unwrap();
            }
            drop(open);
            let summary = running.stop();
            assert_eq!(summary.cut_short, None);
            assert!(summary.packets > 0 && summary.dropped > 0, "{summary:?}");
            // On the loopback the kernel counts each frame twice, and answers that the port is
            // closed, which is a frame of its own.
            assert!(summary.packets + summary.dropped >= SENT, "{summary:?}");
        };
        thread::scope(|scope| scope.spawn(work).join().unwrap());
    }

    fn bring_up_loopback() {
        let mut socket = RouteSocket::open().unwrap();
        let mut batch = Batch::new();
        for link in socket.links().unwrap() {
            batch.bring_up(link.index);
        }
        socket.carry_out(batch).unwrap();
    }

    const SENT: u64 = 2000;
}
