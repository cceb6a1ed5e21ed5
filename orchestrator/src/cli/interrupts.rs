//! The signals by which this process is told to end.

use std::{io, thread};

use nix::sys::signal::Signal as Signals;
use tokio::runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::failure::Failure;
use super::outlet;

/// Ctrl-C, SIGTERM, and SIGHUP where the terminal is gone: all take the same path.
#[derive(Debug)]
pub struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
    /// `None` where it is ignored, as under `nohup`.
    hangup: Option<Signal>,
    /// Nobody awaits it: a file that has reached its size limit (`setrlimit(2)`) is then an error of
    /// its write and not this process's end.
    _file_size: Signal,
}

impl Interrupts {
    /// Listens from now on: they no longer end this process by themselves.
    ///
    /// # Errors
    /// The system's, as what this machine lacks.
    pub fn listen() -> Result<Self, Failure> {
        Self::register()
            .map_err(|error| Failure::Lacking(format!("listening for signals: {error}")))
    }

    /// Has the standard streams hear of them too, on a thread that no stream can hold up.
    ///
    /// # Errors
    /// The system's, as what this machine lacks.
    pub fn reach_outlets() -> Result<(), Failure> {
        let lacking = |error| Failure::Lacking(format!("listening for signals: {error}"));
        let runtime = runtime::Builder::new_current_thread().enable_io().build();
        let runtime = runtime.map_err(lacking)?;
        let mut interrupts = {
            let _here = runtime.enter();
            Self::listen()?
        };
        let forward = move || {
            runtime.block_on(interrupts.next());
            outlet::interrupt();
        };
        let thread = thread::Builder::new().name("signals".to_owned());
        thread.spawn(forward).map(drop).map_err(lacking)
    }

    fn register() -> io::Result<Self> {
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self {
            interrupt,
            terminate: signal(SignalKind::terminate())?,
            hangup: listens_to_hangup()
                .then(|| signal(SignalKind::hangup()))
                .transpose()?,
            _file_size: signal(SignalKind::from_raw(Signals::SIGXFSZ as i32))?,
        })
    }

    /// Waits for the next of them, and says which it is.
    pub async fn next(&mut self) -> SignalKind {
        let hangup = async {
            match &mut self.hangup {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = hangup => SignalKind::hangup(),
        }
    }
}

/// Whether the hangup of a terminal is to end this process, which `nohup` says it is not.
fn listens_to_hangup() -> bool {
    let hangup = SignalKind::hangup().as_raw_value();
    !plumbing::process::ignores(hangup).unwrap_or(false)
}
