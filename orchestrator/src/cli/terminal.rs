//! This process's terminal, lent to a program in a node.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;

use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};
use protocol::control::WindowSize;

/// The size of this process's terminal; 24 by 80 where there is none.
pub fn window_size() -> WindowSize {
    let (columns, rows) =
        terminal_size::terminal_size().map_or((80, 24), |(width, height)| (width.0, height.0));
    WindowSize { rows, columns }
}

/// A terminal that hands every key on as it is; dropping it brings back its old ways.
#[derive(Debug)]
pub struct RawTerminal {
    before: Termios,
}

impl RawTerminal {
    /// Makes standard input raw; `None` where it is no terminal.
    pub fn enter() -> Option<Self> {
        let stdin = io::stdin();
        if !stdin.is_terminal() {
            return None;
        }
        let before = tcgetattr(stdin.as_fd()).ok()?;
        let mut raw = before.clone();
        cfmakeraw(&mut raw);
        tcsetattr(stdin.as_fd(), SetArg::TCSANOW, &raw).ok()?;
        Some(Self { before })
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        if let Err(error) = tcsetattr(io::stdin().as_fd(), SetArg::TCSANOW, &self.before) {
            tracing::warn!(%error, "could not restore the terminal; type `reset`");
        }
    }
}
