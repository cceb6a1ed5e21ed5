//! A process and its channel: output as it comes, input as it is sent, and how it ended.

use std::process::Stdio;
use std::sync::Arc;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::pty::{Winsize, openpty};
use plumbing::endpoint::Endpoint;
use protocol::control::{Command, Event, Failure, Stream, WindowSize};

use super::children::{Child, Children};
use super::failure::system;
use super::inbox::Incoming;
use super::outbox::Outbox;
use super::program::{ProcessSetup, Streams};
use super::relay::Relay;

/// A process whose streams lead to the agent.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) child: Child,
    /// Where its terminal has one: both its input and its output.
    pub(super) terminal: Option<Arc<Endpoint>>,
    input: Arc<Endpoint>,
    output: Arc<Endpoint>,
    /// None where it goes to the terminal.
    error: Option<Arc<Endpoint>>,
}

impl Process {
    /// Starts a process as `command` says.
    pub(super) fn start(
        setup: &ProcessSetup,
        children: &Children,
        command: &Command,
    ) -> Result<Self, Failure> {
        match command.terminal {
            Some(size) => Self::in_terminal(setup, children, command, size),
            None => Self::with_pipes(setup, children, command),
        }
    }

    fn with_pipes(
        setup: &ProcessSetup,
        children: &Children,
        command: &Command,
    ) -> Result<Self, Failure> {
        let streams = Streams {
            input: Stdio::piped(),
            output: Stdio::piped(),
            error: Stdio::piped(),
            terminal: false,
        };
        let (child, pipes) = setup.start(children, command, streams)?;
        let broken = |error: std::io::Error| system("the pipes of a process", &error);
        let (Some(input), Some(output), Some(error)) = (pipes.stdin, pipes.stdout, pipes.stderr)
        else {
            return Err(broken(std::io::ErrorKind::NotFound.into()));
        };
        let output = Arc::new(Endpoint::new(output).map_err(broken)?);
        let error = Arc::new(Endpoint::new(error).map_err(broken)?);
        Ok(Self {
            child,
            terminal: None,
            input: Arc::new(Endpoint::new(input).map_err(broken)?),
            output,
            error: Some(error),
        })
    }

    fn in_terminal(
        setup: &ProcessSetup,
        children: &Children,
        command: &Command,
        size: WindowSize,
    ) -> Result<Self, Failure> {
        let broken = |error: std::io::Error| system("opening a terminal in the node", &error);
        let size = Winsize {
            ws_row: size.rows,
            ws_col: size.columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pair = openpty(&size, None).map_err(|error| broken(error.into()))?;
        for end in [&pair.master, &pair.slave] {
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))
                .map_err(|error| broken(error.into()))?;
        }
        let copy = || pair.slave.try_clone().map(Stdio::from).map_err(broken);
        let streams = Streams {
            input: copy()?,
            output: copy()?,
            error: copy()?,
            terminal: true,
        };
        let master = Arc::new(Endpoint::new(pair.master).map_err(broken)?);
        let (child, _) = setup.start(children, command, streams)?;
        Ok(Self {
            child,
            terminal: Some(Arc::clone(&master)),
            input: Arc::clone(&master),
            output: master,
            error: None,
        })
    }

    /// Carries its streams until it has ended and all that it printed was sent, then says so.
    /// Whatever becomes of the connection, its output is taken, so that it never hangs on it.
    pub(super) async fn converse(self, channel: u32, incoming: Incoming, outbox: Outbox) {
        let mut child = self.child;
        let feeding = tokio::spawn(feed(self.input, self.terminal.is_some(), incoming));
        let relay = |stream, from| Relay {
            from,
            child: child.clone(),
            outbox: outbox.clone(),
            channel,
            stream,
        };
        let output = relay(Stream::Output, self.output);
        let error = self.error.map(|from| relay(Stream::Error, from));
        tokio::join!(output.run(), async {
            if let Some(error) = error {
                error.run().await;
            }
        });
        let exit = child.ended().await;
        feeding.abort();
        // Without a connection there is nobody to tell.
        let _ = outbox.event(channel, Event::Exited(exit)).await;
    }
}

/// Gives a process what `incoming` brings, until either ends.
async fn feed(input: Arc<Endpoint>, terminal: bool, mut incoming: Incoming) {
    while let Some(chunk) = incoming.next().await {
        let end = chunk.bytes.is_empty();
        let bytes = match &chunk.bytes[..] {
            // A terminal cannot be half closed; this is what a person types to end input.
            [] if terminal => &[END_OF_TRANSMISSION],
            bytes => bytes,
        };
        // A process may close its input and go on.
        if input.write_all(bytes).await.is_err() || end {
            return;
        }
    }
}

const END_OF_TRANSMISSION: u8 = 4;
