//! The standard streams. Each is written to by a thread of its own, so that a stream that nobody reads holds up no
//! interruption: who waits for it gives up soon after the signal.

use std::io::{self, ErrorKind, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// A standard stream of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlet {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

/// All that the threads share.
struct Streams {
    output: Stream,
    error: Stream,
    /// Set once a signal has told this process to end.
    interrupted: bool,
}

/// One stream's work.
struct Stream {
    has_thread: bool,
    work: Work,
}

/// The state of what a stream was given last.
enum Work {
    None,
    /// To be written.
    Given(Vec<u8>),
    /// Being written; whether somebody waits for the end.
    Begun {
        is_awaited: bool,
    },
    /// Written, or not.
    Ended(io::Result<()>),
}

impl Outlet {
    /// Writes all of `bytes`, and waits until they are written.
    ///
    /// # Errors
    /// The system's. [`ErrorKind::Interrupted`] if the stream took nothing for a while after an interruption.
    pub fn write(self, bytes: &[u8]) -> io::Result<()> {
        let mut streams = lock();
        if !streams.of(self).has_thread {
            let started = thread::Builder::new().spawn(move || self.serve());
            started?;
            streams.of(self).has_thread = true;
        }
        let is_free = |stream: &Stream| matches!(stream.work, Work::None);
        streams = self.wait(streams, is_free)?;
        streams.of(self).work = Work::Given(bytes.to_vec());
        CHANGED.notify_all();
        let has_ended = |stream: &Stream| matches!(stream.work, Work::Ended(_));
        streams = self.wait(streams, has_ended)?;
        let ended = std::mem::replace(&mut streams.of(self).work, Work::None);
        CHANGED.notify_all();
        match ended {
            Work::Ended(written) => written,
            _ => Ok(()),
        }
    }

    /// Waits until a stream has come so far, after an interruption for a moment only.
    fn wait(
        self,
        mut streams: MutexGuard<'static, Streams>,
        has_come: impl Fn(&Stream) -> bool,
    ) -> io::Result<MutexGuard<'static, Streams>> {
        let mut deadline = None;
        while !has_come(streams.of(self)) {
            if !streams.interrupted {
                streams = CHANGED
                    .wait(streams)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let until = *deadline.get_or_insert_with(|| Instant::now() + MOMENT);
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || streams.of(self).is_given_up() {
                streams.of(self).give_up();
                return Err(ErrorKind::Interrupted.into());
            }
            let waited = CHANGED.wait_timeout(streams, left);
            streams = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(streams)
    }

    /// Writes what the stream is given, for as long as this process lives.
    fn serve(self) {
        let mut streams = lock();
        loop {
            match std::mem::replace(&mut streams.of(self).work, Work::None) {
                Work::Given(bytes) => {
                    streams.of(self).work = Work::Begun { is_awaited: true };
                    drop(streams);
                    let written = self.write_here(&bytes);
                    streams = lock();
                    let is_awaited = !streams.of(self).is_given_up();
                    streams.of(self).work = if is_awaited {
                        Work::Ended(written)
                    } else {
                        Work::None
                    };
                    CHANGED.notify_all();
                }
                other => {
                    streams.of(self).work = other;
                    streams = CHANGED
                        .wait(streams)
                        .unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    fn write_here(self, bytes: &[u8]) -> io::Result<()> {
        let write = |out: &mut dyn Write| out.write_all(bytes).and_then(|()| out.flush());
        match self {
            Self::Output => write(&mut io::stdout().lock()),
            Self::Error => write(&mut io::stderr().lock()),
        }
    }
}

/// The log writes whole lines to standard error.
impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Self::write(*self, bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Streams {
    fn of(&mut self, outlet: Outlet) -> &mut Stream {
        match outlet {
            Outlet::Output => &mut self.output,
            Outlet::Error => &mut self.error,
        }
    }
}

impl Stream {
    const NEW: Self = Self {
        has_thread: false,
        work: Work::None,
    };

    /// Returns whether it has not taken something that nobody waits for any more.
    fn is_given_up(&self) -> bool {
        matches!(self.work, Work::Begun { is_awaited: false })
    }

    fn give_up(&mut self) {
        self.work = match std::mem::replace(&mut self.work, Work::None) {
            Work::Begun { .. } => Work::Begun { is_awaited: false },
            _ => Work::None,
        };
    }
}

/// Has all who wait for a stream give up soon.
pub fn interrupt() {
    lock().interrupted = true;
    CHANGED.notify_all();
}

fn lock() -> MutexGuard<'static, Streams> {
    STREAMS.lock().unwrap_or_else(PoisonError::into_inner)
}

static STREAMS: Mutex<Streams> = Mutex::new(Streams {
    output: Stream::NEW,
    error: Stream::NEW,
    interrupted: false,
});

/// Told of every change of [`STREAMS`].
static CHANGED: Condvar = Condvar::new();

/// The time that a stream has after an interruption. One that is read takes a few lines far sooner.
const MOMENT: Duration = Duration::from_millis(500);
