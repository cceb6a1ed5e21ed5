//! Lines over one telnet connection.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use protocol::console::line::Side;
use protocol::console::scanner::{Input, Scanner};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::telnet::Telnet;

/// A connection to a console. A task reads it and one writes it, so that neither way waits for the other.
#[derive(Debug)]
pub(super) struct Channel {
    input: mpsc::Receiver<Vec<u8>>,
    output: mpsc::Sender<Vec<u8>>,
    scanner: Scanner,
    inputs: VecDeque<Input>,
    /// Nothing has come yet but telnet's own.
    mute: bool,
    clock: Interval,
    reader: AbortOnDropHandle<()>,
    writer: JoinHandle<()>,
}

/// Something that happened.
#[derive(Debug)]
pub(super) enum Event {
    /// A line on the console.
    Input(Input),
    /// A second has passed.
    Tick,
    /// The connection is gone.
    Closed,
}

impl Channel {
    /// Speaks over this connection.
    ///
    /// # Errors
    /// If its delay cannot be set, which a dead connection's cannot.
    pub(super) fn new(connection: TcpStream) -> io::Result<Self> {
        connection.set_nodelay(true)?;
        let (read, write) = connection.into_split();
        let (to_us, input) = mpsc::channel(QUEUE);
        let (output, from_us) = mpsc::channel(QUEUE);
        let reader = tokio::spawn(read_all(read, to_us, output.clone()));
        let mut clock = interval_at(Instant::now() + TICK, TICK);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self {
            input,
            output,
            scanner: Scanner::new(Side::Node),
            inputs: VecDeque::new(),
            mute: true,
            clock,
            reader: AbortOnDropHandle::new(reader),
            writer: tokio::spawn(write_all(write, from_us)),
        })
    }

    /// Where bytes are written.
    pub(super) fn output(&self) -> mpsc::Sender<Vec<u8>> {
        self.output.clone()
    }

    /// Waits for the next thing that happens. Nothing is lost if the future is dropped.
    pub(super) async fn next(&mut self) -> Event {
        loop {
            if let Some(input) = self.inputs.pop_front() {
                return Event::Input(input);
            }
            tokio::select! {
                bytes = self.input.recv() => match bytes {
                    Some(bytes) => {
                        self.mute = false;
                        self.scanner.feed(&bytes, &mut self.inputs);
                    }
                    None => return Event::Closed,
                },
                _ = self.clock.tick() => return Event::Tick,
            }
        }
    }

    /// Whether the server has passed nothing on so far.
    pub(super) fn is_mute(&self) -> bool {
        self.mute
    }

    /// Returns the unfinished line on the console, mostly a prompt.
    pub(super) fn unfinished(&self) -> &[u8] {
        self.scanner.unfinished()
    }

    /// Writes what is still to be written and closes the connection. Whoever else has its output must have
    /// dropped it.
    pub(super) async fn close(self) {
        drop((self.reader, self.output));
        // A server that does not read will not miss it.
        let _ = timeout(LAST, self.writer).await;
    }
}

async fn read_all(
    mut connection: OwnedReadHalf,
    to_us: mpsc::Sender<Vec<u8>>,
    output: mpsc::Sender<Vec<u8>>,
) {
    let mut telnet = Telnet::default();
    let mut buffer = vec![0; BUFFER];
    while let Ok(count @ 1..) = connection.read(&mut buffer).await {
        let (mut data, mut answer) = (Vec::new(), Vec::new());
        let bytes = buffer.get(..count).unwrap_or_default();
        telnet.receive(bytes, &mut data, &mut answer);
        if !answer.is_empty() && output.send(answer).await.is_err() {
            return;
        }
        if !data.is_empty() && to_us.send(data).await.is_err() {
            return;
        }
    }
}

async fn write_all(mut connection: OwnedWriteHalf, mut from_us: mpsc::Receiver<Vec<u8>>) {
    while let Some(bytes) = from_us.recv().await {
        if connection.write_all(&bytes).await.is_err() {
            return;
        }
    }
    // A connection that is gone needs no end.
    let _ = connection.shutdown().await;
}

/// The unit of [`protocol::console::session`]'s time.
const TICK: Duration = Duration::from_secs(1);

/// Reads and writes that may wait.
const QUEUE: usize = 4;

/// Bytes read at once.
const BUFFER: usize = 64 << 10;

/// The longest time that the last bytes may take.
const LAST: Duration = Duration::from_secs(2);
