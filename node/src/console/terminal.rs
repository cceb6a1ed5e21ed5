//! This process's terminal, raw for as long as the program has it.

use std::fs::File;
use std::io::{self, IsTerminal, PipeReader, PipeWriter, Read, Write, pipe};
use std::os::fd::{AsFd, OwnedFd};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// The terminal. Dropping it brings back its old ways.
///
/// Threads read and write it, for it is the shell's too: made non-blocking, it would be so for the shell.
#[derive(Debug)]
pub(super) struct Terminal {
    before: Termios,
    /// Its end stops the reader.
    reading: Option<(PipeWriter, JoinHandle<()>)>,
    written: oneshot::Receiver<()>,
}

/// The terminal's input and its output.
pub(super) type Ends = (mpsc::Receiver<Vec<u8>>, mpsc::Sender<Vec<u8>>);

impl Terminal {
    /// Makes the terminal raw: every byte goes through as it is.
    ///
    /// # Errors
    /// If standard input is no terminal.
    pub(super) fn enter() -> io::Result<(Self, Ends)> {
        let stdin = io::stdin();
        if !stdin.is_terminal() {
            return Err(io::Error::other("standard input is no terminal"));
        }
        let (from, to) = (duplicate(&stdin)?, duplicate(&io::stdout())?);
        let before = tcgetattr(stdin.as_fd())?;
        let mut raw = before.clone();
        cfmakeraw(&mut raw);
        // Now, and not once it is empty: what was typed ahead may be a hello.
        tcsetattr(stdin.as_fd(), SetArg::TCSANOW, &raw)?;
        let (to_program, input) = mpsc::channel(QUEUE);
        let (output, from_program) = mpsc::channel(QUEUE);
        let (done, written) = oneshot::channel();
        let (stopped, stop) = pipe()?;
        let reader = thread::spawn(move || read_all(from, &stopped, &to_program));
        thread::spawn(move || {
            write_all(to, from_program);
            // Nobody waits where the program is at its end already.
            let _ = done.send(());
        });
        let terminal = Self {
            before,
            reading: Some((stop, reader)),
            written,
        };
        Ok((terminal, (input, output)))
    }

    /// Gives the terminal back and says `last` on it. What is typed from then on is the shell's. The end that it
    /// is read from must be dropped before.
    pub(super) async fn leave(mut self, output: mpsc::Sender<Vec<u8>>, last: Vec<u8>) {
        self.restore();
        // Where nobody reads the terminal, what is said last is lost.
        let _ = timeout(LAST, async {
            let _ = output.send(last).await;
            drop(output);
            let _ = (&mut self.written).await;
        })
        .await;
    }

    fn restore(&mut self) {
        if let Some((stop, reader)) = self.reading.take() {
            drop(stop);
            // One that panicked reads no more either.
            let _ = reader.join();
            // A terminal that is gone has no ways.
            let _ = tcsetattr(io::stdin().as_fd(), SetArg::TCSANOW, &self.before);
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.restore();
    }
}

/// Reads until the program wants no more, `stopped` is at its end, or the terminal hangs up.
fn read_all(mut from: File, stopped: &PipeReader, to: &mpsc::Sender<Vec<u8>>) {
    let mut buffer = vec![0; BUFFER];
    loop {
        let mut either = [
            PollFd::new(from.as_fd(), PollFlags::POLLIN),
            PollFd::new(stopped.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut either, PollTimeout::NONE) {
            Err(Errno::EINTR) => continue,
            Err(_) => return,
            Ok(_) => {}
        }
        let [_, stop] = &either;
        if stop.any() != Some(false) {
            return;
        }
        match from.read(&mut buffer) {
            Ok(count @ 1..) => {
                let bytes = buffer.get(..count).unwrap_or_default();
                if to.blocking_send(bytes.to_vec()).is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // The terminal hung up (pty(7)).
            Ok(_) | Err(_) => return,
        }
    }
}

fn write_all(mut to: File, mut from: mpsc::Receiver<Vec<u8>>) {
    while let Some(bytes) = from.blocking_recv() {
        if to.write_all(&bytes).is_err() {
            return;
        }
    }
}

/// Rust's own streams hold bytes back.
fn duplicate(stream: &impl AsFd) -> io::Result<File> {
    let descriptor: OwnedFd = stream.as_fd().try_clone_to_owned()?;
    Ok(File::from(descriptor))
}

/// Reads and writes that may wait.
const QUEUE: usize = 4;

/// Bytes read at once.
const BUFFER: usize = 16 << 10;

/// The longest time that the last lines may take.
const LAST: Duration = Duration::from_secs(1);
