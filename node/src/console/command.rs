//! `node console`: gives its terminal to whoever wants streams to the agent, and takes it back.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tokio::runtime::Builder;

use crate::cli::fail;

use super::events::Events;
use super::program::{Ended, Program};
use super::terminal::Terminal;

/// Arguments of `node console`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The agent's Unix socket.
    socket: PathBuf,
}

/// Runs `node console` until its client says that it is done, or is gone.
pub fn main(arguments: &Arguments) -> ExitCode {
    let path = arguments.socket.display();
    // Said before the terminal is raw, so that people can read it.
    if let Err(error) = UnixStream::connect(&arguments.socket) {
        return fail(&format_args!("no agent listens at {path}: {error}"));
    }
    match carry(&arguments.socket) {
        Ok(Ended::AsAsked) => ExitCode::SUCCESS,
        Ok(ended) => fail(&ended),
        Err(error) => fail(&format_args!("the console's streams: {error}")),
    }
}

fn carry(socket: &Path) -> io::Result<Ended> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        let (terminal, (input, output)) = Terminal::enter()?;
        let program = Program {
            events: Events::new(input)?,
            output,
            socket,
            last: Vec::new(),
        };
        let (ended, output, last) = program.run().await;
        terminal.leave(output, last).await;
        Ok(ended)
    });
    // No stream's end is worth waiting for.
    runtime.shutdown_background();
    ended
}
