//! The thread that carries frames from an interface to a sink.

use std::io;
use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use plumbing::packet::Direction;
use protocol::control::CaptureSummary;

use super::file::CaptureFile;
use super::frames::{Frames, is_down};

/// Asks a worker to stop.
#[derive(Debug)]
pub(super) struct Stop {
    asked: AtomicBool,
    wake: EventFd,
}

/// A capture's thread, before and while it runs.
pub(super) struct Worker<S> {
    /// Dropped first, for closing the socket takes ten milliseconds.
    pub(super) sink: S,
    pub(super) file: CaptureFile,
    pub(super) frames: Frames,
}

/// Why a capture ended.
enum End {
    /// It was asked to stop.
    Stopped,
    /// It could not go on.
    CutShort(String),
}

impl Stop {
    pub(super) fn new() -> io::Result<Self> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        Ok(Self {
            asked: AtomicBool::new(false),
            wake: EventFd::from_flags(flags)?,
        })
    }

    /// Asks; frames that have arrived by now are still wanted.
    pub(super) fn ask(&self) {
        self.asked.store(true, Ordering::Release);
        // An eventfd refuses only to count beyond 2^64.
        let _ = self.wake.write(1);
    }
}

impl<S: FnMut(Vec<u8>) -> ControlFlow<()>> Worker<S> {
    /// Runs until it is stopped or cannot go on.
    pub(super) fn run(&mut self, stop: &Stop) -> CaptureSummary {
        let mut packets = 0;
        let end = self.carry(stop, &mut packets).unwrap_or_else(|error| {
            End::CutShort(format!("frames can no longer be read: {error}"))
        });
        let mut cut_short = match end {
            End::Stopped if self.frames.gone() => Some("the interface was removed".to_owned()),
            End::Stopped => None,
            End::CutShort(why) => Some(why),
        };
        let counted = self.frames.statistics().unwrap_or_else(|error| {
            cut_short.get_or_insert(format!("drops cannot be counted: {error}"));
            plumbing::packet::Statistics::default()
        });
        if self.file.end(since_1970(), counted).is_err() || self.flush().is_break() {
            cut_short.get_or_insert(NOT_TAKEN.to_owned());
        }
        CaptureSummary {
            packets,
            dropped: counted.dropped,
            cut_short,
        }
    }

    fn carry(&mut self, stop: &Stop, packets: &mut u64) -> io::Result<End> {
        // Frames in all to read before it stops. They are counted, not told by their stamps, because
        // more may arrive as fast as they are read.
        let mut last = None;
        loop {
            if last.is_none() && stop.asked.load(Ordering::Acquire) {
                last = Some(self.frames.arrived()?);
            }
            if last.is_some_and(|last| self.frames.read() >= last) {
                return Ok(End::Stopped);
            }
            let frame = match self.frames.next() {
                Ok(frame) => frame,
                Err(error) if is_down(&error) => continue,
                Err(error) => return Err(error),
            };
            if let Some(frame) = frame {
                // The loopback shows each frame twice; it is kept once.
                if frame.head.direction == Direction::Echo {
                    continue;
                }
                if !self.file.frame(&frame)? {
                    return Ok(End::CutShort("the size limit was reached".to_owned()));
                }
                *packets += 1;
                let chunk = self.file.full_chunk();
                if chunk.is_some_and(|chunk| (self.sink)(chunk).is_break()) {
                    return Ok(End::CutShort(NOT_TAKEN.to_owned()));
                }
            } else if last.is_some() {
                if !self.frames.rest()? {
                    return Ok(End::Stopped);
                }
            } else if !self.wait(stop)? && self.flush().is_break() {
                return Ok(End::CutShort(NOT_TAKEN.to_owned()));
            }
        }
    }

    /// Waits for a frame or the wish to stop; where bytes are ready, only a little while. Says
    /// whether something came.
    fn wait(&self, stop: &Stop) -> io::Result<bool> {
        let timeout = if self.file.pending() {
            PollTimeout::from(LINGER)
        } else {
            PollTimeout::NONE
        };
        let mut sources = [
            PollFd::new(self.frames.as_fd(), PollFlags::POLLIN),
            PollFd::new(stop.wake.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut sources, timeout) {
            Ok(count) => Ok(count > 0),
            Err(Errno::EINTR) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    fn flush(&mut self) -> ControlFlow<()> {
        while let Some(chunk) = self.file.chunk() {
            (self.sink)(chunk)?;
        }
        ControlFlow::Continue(())
    }
}

fn since_1970() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// The time that bytes wait for more to join them, in milliseconds.
const LINGER: u8 = 20;
const NOT_TAKEN: &str = "nobody took the captured bytes any more";
