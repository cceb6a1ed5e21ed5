//! The execution of each request.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::Signal;
use plumbing::child::resize_terminal;
use protocol::control::{
    Capture, Command, Condition, Failure, FailureKind, Reply, Request, WindowSize,
};
use protocol::settings::NodeSettings;
use tokio::task::spawn_blocking;

use super::channels::Channel;
use super::connection::{Connection, End};
use super::failure::{refusal, system};
use super::files;
use super::inbox::inbox;
use super::process::Process;
use super::recording;
use super::waiting;

impl Connection {
    /// Does a request, or sees to it that it is done. What frames to come may refer to is opened
    /// before this returns; all that takes time goes on beside the connection.
    pub(super) async fn have_done(&mut self, id: u32, request: Request) -> Result<(), End> {
        let done = match request {
            Request::Hello { version } => return self.greet(id, version).await,
            Request::Start { channel, command } => return self.start(id, channel, &command).await,
            Request::Put {
                channel,
                path,
                mode,
            } => return self.put(id, channel, path, mode).await,
            Request::Capture { channel, capture } => {
                return self.capture(id, channel, capture).await;
            }
            Request::Get {
                channel,
                path,
                at_most,
            } => {
                let (outbox, at_most) = (self.outbox.clone(), at_most.unwrap_or(u64::MAX));
                self.tasks
                    .spawn(files::get(outbox, id, channel, path, at_most));
                return Ok(());
            }
            Request::Logs { channel, follow } => {
                self.send_log(id, channel, follow);
                return Ok(());
            }
            Request::Configure(settings) => {
                self.node.setup.confine(settings.sandbox);
                self.answer(id, configure(settings));
                return Ok(());
            }
            Request::List { path } => {
                self.answer(id, files::list(path));
                return Ok(());
            }
            Request::Await {
                condition,
                within_ms,
            } => {
                self.answer(id, await_condition(condition, within_ms));
                return Ok(());
            }
            Request::Status => {
                let node = Arc::clone(&self.node);
                self.answer(id, async move { Ok(Reply::Status(node.status().await)) });
                return Ok(());
            }
            Request::StopCapture { channel } => {
                let stopped = self.channels.stop_capture(channel);
                stopped.map(|()| Reply::Done)
            }
            Request::Signal { channel, signal } => {
                self.signal(channel, signal).map(|()| Reply::Done)
            }
            Request::Resize { channel, size } => self.resize(channel, size).map(|()| Reply::Done),
            Request::Launch { command } => self.node.launch(&command),
        };
        self.reply(id, done).await
    }

    /// Has a request done beside the connection, that consists of some work and its answer.
    fn answer(
        &mut self,
        id: u32,
        work: impl Future<Output = Result<Reply, Failure>> + Send + 'static,
    ) {
        let outbox = self.outbox.clone();
        self.tasks.spawn(async move {
            // Without a connection there is nobody to tell.
            let _ = outbox.reply(id, work.await).await;
        });
    }

    fn send_log(&mut self, id: u32, channel: u32, follow: bool) {
        let (node, outbox) = (Arc::clone(&self.node), self.outbox.clone());
        self.tasks.spawn(async move {
            if outbox.reply(id, Ok(Reply::Done)).await.is_ok() {
                node.service.log.send(&outbox, channel, follow).await;
            }
        });
    }

    async fn start(&mut self, id: u32, channel: u32, command: &Command) -> Result<(), End> {
        let node = &self.node;
        let started = self
            .channels
            .must_be_free(channel)
            .and_then(|()| Process::start(&node.setup, &node.children, command));
        let process = match started {
            Ok(process) => process,
            Err(failure) => return self.reply(id, Err(failure)).await,
        };
        let (input, incoming) = inbox();
        let child = process.child.clone();
        self.channels.bind(child.pid, command.lifetime);
        let opened = Channel::Process {
            child: child.pid,
            terminal: process.terminal.clone(),
            input,
        };
        self.channels.open(channel, opened);
        let (outbox, channels) = (self.outbox.clone(), Arc::clone(&self.channels));
        // Not one of the connection's tasks: the process may outlive it.
        tokio::spawn(async move {
            let terminal = process.terminal.is_some();
            let pid = child.pid.as_raw().unsigned_abs();
            // Without a connection the process is still to be served.
            let _ = outbox.reply(id, Ok(Reply::Started { pid })).await;
            process.converse(channel, incoming, outbox).await;
            channels.close(channel);
            channels.unbind(&child, terminal);
        });
        Ok(())
    }

    async fn put(&mut self, id: u32, channel: u32, path: String, mode: u32) -> Result<(), End> {
        if let Err(failure) = self.channels.must_be_free(channel) {
            return self.reply(id, Err(failure)).await;
        }
        let (input, incoming) = inbox();
        self.channels.open(channel, Channel::File(input));
        let (outbox, channels) = (self.outbox.clone(), Arc::clone(&self.channels));
        let owner = self.node.setup.owner();
        // Not one of the connection's tasks: it ends when its body is cut off, and then tidies up.
        tokio::spawn(async move {
            let written = files::put(path, mode, owner, incoming).await;
            channels.close(channel);
            // Without a connection there is nobody to tell.
            let _ = outbox.reply(id, written.map(|()| Reply::Done)).await;
        });
        Ok(())
    }

    async fn capture(&mut self, id: u32, channel: u32, capture: Capture) -> Result<(), End> {
        if let Err(failure) = self.channels.must_be_free(channel) {
            return self.reply(id, Err(failure)).await;
        }
        let (opened, recording) = recording::prepare(self.outbox.clone(), channel, capture);
        self.channels.open(channel, opened);
        let channels = Arc::clone(&self.channels);
        // Not one of the connection's tasks: it must be stopped and not merely forgotten.
        tokio::spawn(async move {
            recording.run(id).await;
            channels.close(channel);
        });
        Ok(())
    }

    fn signal(&self, channel: u32, number: i32) -> Result<(), Failure> {
        let (child, _) = self.channels.process(channel)?;
        let signal = Signal::try_from(number).map_err(|_| {
            let message = format!("{number} is not the number of a signal, see signal(7)");
            refusal(FailureKind::Invalid, message)
        })?;
        match self.node.children.signal(child, Some(signal)) {
            Err(Errno::ESRCH) => {
                let message = format!("the process of channel {channel} has ended");
                Err(refusal(FailureKind::NotFound, message))
            }
            Err(error) => Err(system(
                format_args!("signal {signal} to process {child}"),
                &error.into(),
            )),
            Ok(()) => Ok(()),
        }
    }

    fn resize(&self, channel: u32, size: WindowSize) -> Result<(), Failure> {
        let (_, terminal) = self.channels.process(channel)?;
        let Some(terminal) = terminal else {
            let message = format!("the process of channel {channel} has no terminal");
            return Err(refusal(FailureKind::Invalid, message));
        };
        resize_terminal(terminal.as_fd(), size.rows, size.columns)
            .map_err(|error| system("resizing a terminal", &error))
    }
}

async fn await_condition(condition: Condition, within_ms: u64) -> Result<Reply, Failure> {
    let within = Duration::from_millis(within_ms);
    let holds = waiting::until(&condition);
    match tokio::time::timeout(within, holds).await {
        Ok(outcome) => outcome.map(|()| Reply::Done),
        Err(_) => Err(waiting::in_vain(&condition, within_ms)),
    }
}

async fn configure(settings: Box<NodeSettings>) -> Result<Reply, Failure> {
    // It waits for the kernel, which would hold up every connection.
    let configured = spawn_blocking(move || crate::network::configure(&settings)).await;
    match configured {
        Ok(configured) => configured.map(|()| Reply::Done),
        Err(error) => Err(refusal(FailureKind::System, error.to_string())),
    }
}
