//! The program's events: input on the console, the passing of time, signals.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use protocol::console::line::Side;
use protocol::console::scanner::{Input, Scanner};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// Where the program hears of all that happens.
#[derive(Debug)]
pub(super) struct Events {
    input: mpsc::Receiver<Vec<u8>>,
    scanner: Scanner,
    inputs: VecDeque<Input>,
    clock: Interval,
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

/// Something that happened.
#[derive(Debug)]
pub(super) enum Event {
    /// A line on the console.
    Input(Input),
    /// A second has passed.
    Tick,
    /// A signal asks for the end.
    Signal,
    /// The terminal is gone.
    HangUp,
}

impl Events {
    /// Listens to what comes from the terminal.
    pub(super) fn new(input: mpsc::Receiver<Vec<u8>>) -> io::Result<Self> {
        let mut clock = interval(TICK);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self {
            input,
            scanner: Scanner::new(Side::Client),
            inputs: VecDeque::new(),
            clock,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next thing that happens. Nothing is lost if the future is dropped.
    pub(super) async fn next(&mut self) -> Event {
        loop {
            if let Some(input) = self.inputs.pop_front() {
                return Event::Input(input);
            }
            tokio::select! {
                bytes = self.input.recv() => match bytes {
                    Some(bytes) => self.scanner.feed(&bytes, &mut self.inputs),
                    None => return Event::HangUp,
                },
                _ = self.clock.tick() => return Event::Tick,
                _ = self.terminate.recv() => return Event::Signal,
                _ = self.interrupt.recv() => return Event::Signal,
                _ = self.hangup.recv() => return Event::Signal,
            }
        }
    }
}

/// The unit of [`protocol::console::session`]'s time.
const TICK: Duration = Duration::from_secs(1);
