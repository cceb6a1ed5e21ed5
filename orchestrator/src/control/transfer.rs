//! Files into and out of a node, logs and captures.

use std::sync::Arc;

use protocol::control::{Capture, CaptureSummary, Event, FailureKind, Reply, Request, Stream};
use protocol::frame::DATA_CHUNK;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::{Notify, mpsc};

use super::connection::{Control, Incoming};
use super::error::{ControlError, ControlErrorKind};

/// Bytes on their way out of a node: a file or a log.
#[derive(Debug)]
pub struct Download {
    control: Control,
    channel: u32,
    incoming: mpsc::Receiver<Incoming>,
    /// Length in bytes when it was opened; none for a log.
    pub length: Option<u64>,
    /// Permission bits of a file.
    pub mode: u32,
}

/// A running capture: pcapng bytes as they come, then its summary.
#[derive(Debug)]
pub struct CaptureStream {
    source: Source,
}

/// The source of a capture.
#[derive(Debug)]
enum Source {
    /// The node.
    Node {
        control: Control,
        channel: u32,
        incoming: mpsc::Receiver<Incoming>,
    },
    /// Somebody else, who has been told how to say so.
    Other {
        captured: mpsc::Receiver<Captured>,
        stop: Arc<Notify>,
    },
}

/// A piece of a capture.
#[derive(Debug)]
pub enum Captured {
    /// Bytes of the pcapng file.
    Bytes(Vec<u8>),
    /// The end.
    Ended(CaptureSummary),
}

impl Control {
    /// Writes a file in the node. It appears under its name once it is whole.
    ///
    /// # Errors
    /// The node's (no room, no permission), or reading `body` fails here.
    pub async fn put<R>(&self, path: &str, mode: u32, mut body: R) -> Result<(), ControlError>
    where
        R: AsyncRead + Unpin,
    {
        let (channel, _incoming) = self.open_channel();
        let request = Request::Put {
            channel,
            path: path.to_owned(),
            mode,
        };
        let sending = async {
            loop {
                let mut chunk = Vec::with_capacity(DATA_CHUNK);
                let read = (&mut body)
                    .take(DATA_CHUNK as u64)
                    .read_to_end(&mut chunk)
                    .await;
                read.map_err(|source| {
                    self.error(ControlErrorKind::Io {
                        action: format!("reading {path}"),
                        source,
                    })
                })?;
                let last = chunk.is_empty();
                self.send_data(channel, Stream::Input, chunk).await?;
                if last {
                    return Ok(());
                }
            }
        };
        // Side by side with its body, the request might come after the body's beginning, which would
        // be of no channel then.
        let asked = self.ask(request).await?;
        // The node may refuse before it has all; the rest is then not sent.
        let asking = asked.done("put");
        tokio::pin!(asking);
        let outcome = tokio::select! {
            biased;
            early = &mut asking => early,
            sent = sending => match sent {
                Ok(()) => asking.await,
                Err(error) => Err(error),
            },
        };
        self.close_channel(channel);
        outcome
    }

    /// Opens a file in the node.
    ///
    /// # Errors
    /// If there is no such file.
    pub async fn get(&self, path: &str) -> Result<Download, ControlError> {
        self.open(path, None).await
    }

    /// Opens a file in the node and asks for no more than its first bytes. What comes may be more all the
    /// same, for it is the node that is asked.
    ///
    /// # Errors
    /// If there is no such file.
    pub async fn get_at_most(&self, path: &str, bytes: u64) -> Result<Download, ControlError> {
        self.open(path, Some(bytes)).await
    }

    async fn open(&self, path: &str, at_most: Option<u64>) -> Result<Download, ControlError> {
        let (channel, incoming) = self.open_channel();
        match self
            .request(Request::Get {
                channel,
                path: path.to_owned(),
                at_most,
            })
            .await
        {
            Ok(Reply::File { length, mode }) => {
                let control = self.clone();
                Ok(Download {
                    control,
                    channel,
                    incoming,
                    length: Some(length),
                    mode,
                })
            }
            other => {
                self.close_channel(channel);
                other.and(Err(self.error(ControlErrorKind::Unexpected("get"))))
            }
        }
    }

    /// Opens the log of the node's own command.
    ///
    /// # Errors
    /// If the connection is gone.
    pub async fn logs(&self, follow: bool) -> Result<Download, ControlError> {
        let (channel, incoming) = self.open_channel();
        self.done(Request::Logs { channel, follow }, "logs").await?;
        Ok(Download {
            control: self.clone(),
            channel,
            incoming,
            length: None,
            mode: 0,
        })
    }

    /// Begins to capture; every later frame is seen.
    ///
    /// # Errors
    /// If there is no such interface, or capturing is not permitted.
    pub async fn capture(&self, capture: Capture) -> Result<CaptureStream, ControlError> {
        let (channel, incoming) = self.open_channel();
        match self
            .done(Request::Capture { channel, capture }, "capture")
            .await
        {
            Ok(()) => Ok(CaptureStream {
                source: Source::Node {
                    control: self.clone(),
                    channel,
                    incoming,
                },
            }),
            Err(error) => {
                self.close_channel(channel);
                Err(error)
            }
        }
    }
}

impl Download {
    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// If the node could not read on, or the connection ended.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, ControlError> {
        match self.incoming.recv().await {
            Some(Incoming::Data(_, bytes)) if bytes.is_empty() => Ok(None),
            Some(Incoming::Data(_, bytes)) => Ok(Some(bytes)),
            Some(Incoming::Event(Event::Broken(failure))) => {
                Err(self.control.error(ControlErrorKind::Refused(failure)))
            }
            Some(Incoming::Event(_)) => {
                Err(self.control.error(ControlErrorKind::Unexpected("get")))
            }
            None => Err(self.control.closed("the end of a file")),
        }
    }

    /// All of it, for files known to be small.
    ///
    /// # Errors
    /// As [`Download::next`], or if it is longer than `limit` bytes.
    pub async fn all(mut self, limit: usize) -> Result<Vec<u8>, ControlError> {
        let mut whole = Vec::new();
        while let Some(bytes) = self.next().await? {
            if whole.len() + bytes.len() > limit {
                let message = format!("longer than the {limit} bytes expected");
                let failure = protocol::control::Failure {
                    kind: FailureKind::Invalid,
                    message,
                };
                return Err(self.control.error(ControlErrorKind::Refused(failure)));
            }
            whole.extend_from_slice(&bytes);
        }
        Ok(whole)
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        self.control.close_channel(self.channel);
    }
}

impl CaptureStream {
    /// A capture that is not the node's. Who makes it sends pcapng bytes and then how it ended, and ends
    /// it once `stop` is notified. If nothing comes any more, that is its end.
    pub fn foreign(captured: mpsc::Receiver<Captured>, stop: Arc<Notify>) -> Self {
        Self {
            source: Source::Other { captured, stop },
        }
    }

    /// Returns the next piece.
    ///
    /// # Errors
    /// If the connection ended first.
    pub async fn next(&mut self) -> Result<Captured, ControlError> {
        match &mut self.source {
            Source::Node {
                control, incoming, ..
            } => next(control, incoming).await,
            Source::Other { captured, .. } => Ok(captured.recv().await.unwrap_or_else(|| {
                Captured::Ended(CaptureSummary {
                    packets: 0,
                    dropped: 0,
                    cut_short: Some("whoever captured broke off".to_owned()),
                })
            })),
        }
    }

    /// Returns a handle that ends it while [`CaptureStream::next`] waits.
    pub fn stopper(&self) -> CaptureStopper {
        match &self.source {
            Source::Node {
                control, channel, ..
            } => CaptureStopper::Node(control.clone(), *channel),
            Source::Other { stop, .. } => CaptureStopper::Other(Arc::clone(stop)),
        }
    }
}

async fn next(
    control: &Control,
    incoming: &mut mpsc::Receiver<Incoming>,
) -> Result<Captured, ControlError> {
    loop {
        match incoming.recv().await {
            Some(Incoming::Data(_, bytes)) if bytes.is_empty() => {}
            Some(Incoming::Data(_, bytes)) => return Ok(Captured::Bytes(bytes)),
            Some(Incoming::Event(Event::CaptureEnded(summary))) => {
                return Ok(Captured::Ended(summary));
            }
            Some(Incoming::Event(_)) => {}
            None => return Err(control.closed("the end of a capture")),
        }
    }
}

impl Drop for CaptureStream {
    fn drop(&mut self) {
        match &self.source {
            Source::Node {
                control, channel, ..
            } => control.close_channel(*channel),
            Source::Other { stop, .. } => stop.notify_one(),
        }
    }
}

/// Ends a capture.
#[derive(Debug, Clone)]
pub enum CaptureStopper {
    /// The node's, on this channel.
    Node(Control, u32),
    /// Somebody else's.
    Other(Arc<Notify>),
}

impl CaptureStopper {
    /// Ends the capture after everything that has arrived by now was written.
    ///
    /// # Errors
    /// If it has ended already, or the connection is gone.
    pub async fn stop(&self) -> Result<(), ControlError> {
        match self {
            Self::Node(control, channel) => {
                let request = Request::StopCapture { channel: *channel };
                control.done(request, "stop capture").await
            }
            Self::Other(stop) => {
                stop.notify_one();
                Ok(())
            }
        }
    }
}
