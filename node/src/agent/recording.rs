//! A capture and its channel.

use std::ops::ControlFlow;

use protocol::control::{Capture, CaptureSummary, Event, Failure, FailureKind, Reply, Stream};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use crate::capture;

use super::channels::Channel;
use super::failure::refusal;
use super::outbox::Outbox;

/// A capture on its way to the connection.
#[derive(Debug)]
pub(super) struct Recording {
    outbox: Outbox,
    channel: u32,
    capture: Capture,
    stop: oneshot::Receiver<()>,
}

/// Makes a capture that has not begun, and its channel, whose end ends it.
pub(super) fn prepare(outbox: Outbox, channel: u32, capture: Capture) -> (Channel, Recording) {
    let (stop, stopped) = oneshot::channel();
    let recording = Recording {
        outbox,
        channel,
        capture,
        stop: stopped,
    };
    (Channel::Capture(stop), recording)
}

impl Recording {
    /// Begins, answers request `id`, and goes on until it is stopped, the connection ends, or the
    /// capture ends by itself.
    pub(super) async fn run(self, id: u32) {
        let Self {
            outbox,
            channel,
            capture,
            stop,
        } = self;
        // The capture drops its sink, and with it this, when it ends by itself.
        let (alive, ended) = oneshot::channel::<()>();
        let to = outbox.clone();
        let sink = move |bytes: Vec<u8>| {
            let _held = &alive;
            // No bytes would end the stream.
            if bytes.is_empty() {
                return ControlFlow::Continue(());
            }
            match to.data_from_thread(channel, Stream::Output, &bytes) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        };
        let started = spawn_blocking(move || capture::start(capture, sink)).await;
        let running = match started.unwrap_or_else(|error| Err(panicked(&error))) {
            Ok(running) => running,
            Err(failure) => {
                // Without a connection there is nobody to tell.
                let _ = outbox.reply(id, Err(failure)).await;
                return;
            }
        };
        // Even without a connection the capture is to be stopped.
        let _ = outbox.reply(id, Ok(Reply::Done)).await;
        tokio::select! {
            _ = stop => {}
            _ = ended => {}
        }
        let summary = spawn_blocking(move || running.stop()).await;
        let summary = summary.unwrap_or_else(|error| CaptureSummary {
            packets: 0,
            dropped: 0,
            cut_short: Some(panicked(&error).message),
        });
        if outbox.data(channel, Stream::Output, &[]).await.is_ok() {
            // Without a connection there is nobody to tell.
            let _ = outbox.event(channel, Event::CaptureEnded(summary)).await;
        }
    }
}

fn panicked(error: &tokio::task::JoinError) -> Failure {
    refusal(FailureKind::System, format!("the capture broke: {error}"))
}
