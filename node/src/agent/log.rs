//! The end of what a program printed, in bounded memory.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use protocol::control::Stream;
use protocol::frame::DATA_CHUNK;
use tokio::sync::watch;

use super::outbox::{Gone, Outbox};

/// The last [`LIMIT`] bytes of a log, which can be followed.
#[derive(Debug)]
pub(super) struct Log {
    kept: Mutex<Kept>,
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Kept {
    bytes: VecDeque<u8>,
    /// Bytes dropped before the first one kept.
    dropped: u64,
    /// More may come.
    open: bool,
}

/// A part of a log.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    /// Bytes before it that were asked for but have been dropped.
    missing: u64,
    bytes: Vec<u8>,
    /// Where the next part begins.
    next: u64,
    open: bool,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            changed: watch::Sender::new(()),
        }
    }
}

impl Log {
    /// More is to come, until [`Self::end`].
    pub(super) fn begin(&self) {
        self.lock().open = true;
    }

    /// Nothing more is to come.
    pub(super) fn end(&self) {
        self.lock().open = false;
        self.changed.send_replace(());
    }

    /// Adds bytes, and drops as many old ones as are too many.
    pub(super) fn append(&self, bytes: &[u8]) {
        let mut kept = self.lock();
        let excess = (kept.bytes.len() + bytes.len()).saturating_sub(LIMIT);
        let old = excess.min(kept.bytes.len());
        kept.bytes.drain(..old);
        kept.bytes
            .extend(bytes.get(excess - old..).unwrap_or_default());
        kept.dropped += excess as u64;
        drop(kept);
        self.changed.send_replace(());
    }

    /// Sends the log from its start as the output stream of `channel`; with `follow` also what is
    /// still to come, as long as something is.
    pub(super) async fn send(&self, outbox: &Outbox, channel: u32, follow: bool) {
        // Without a connection there is nobody to tell.
        let _ = self.try_send(outbox, channel, follow).await;
    }

    async fn try_send(&self, outbox: &Outbox, channel: u32, follow: bool) -> Result<(), Gone> {
        let mut changed = self.changed.subscribe();
        let end = self.lock().end();
        let mut from = 0;
        loop {
            changed.mark_unchanged();
            let part = self.part(from);
            if part.missing > 0 {
                let notice = format!(
                    "[{} bytes of this log are gone; a node keeps the last {LIMIT}]\n",
                    part.missing
                );
                outbox
                    .data(channel, Stream::Output, notice.as_bytes())
                    .await?;
            }
            if !part.bytes.is_empty() {
                outbox.data(channel, Stream::Output, &part.bytes).await?;
                from = part.next;
            }
            if !follow && from >= end {
                break;
            }
            let over = part.bytes.is_empty() && !part.open;
            if over || part.bytes.is_empty() && changed.changed().await.is_err() {
                break;
            }
        }
        outbox.data(channel, Stream::Output, &[]).await
    }

    /// The next bytes of the log, at most [`DATA_CHUNK`].
    fn part(&self, from: u64) -> Part {
        let kept = self.lock();
        let missing = kept.dropped.saturating_sub(from);
        let skip = usize::try_from(from.saturating_sub(kept.dropped)).unwrap_or(usize::MAX);
        let bytes: Vec<u8> = kept
            .bytes
            .iter()
            .skip(skip)
            .take(DATA_CHUNK)
            .copied()
            .collect();
        Part {
            missing,
            next: from + missing + bytes.len() as u64,
            bytes,
            open: kept.open,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Nothing panics while it holds the lock; were it so, the log would still be one.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn end(&self) -> u64 {
        self.dropped + self.bytes.len() as u64
    }
}

/// The most that is kept, in bytes.
const LIMIT: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_log_is_kept_and_the_loss_is_counted() {
        let log = Log::default();
        log.append(b"gone");
        log.append(&vec![b'x'; LIMIT - 2]);
        let part = log.part(0);
        assert_eq!(part.missing, 2);
        assert!(part.bytes.starts_with(b"nexxx"));
        assert_eq!(part.next, 2 + DATA_CHUNK as u64);
        assert_eq!(log.part(part.next).missing, 0);

        log.append(&vec![b'y'; 3 * LIMIT]);
        let kept = log.lock();
        assert_eq!(
            (kept.bytes.len(), kept.end()),
            (LIMIT, 4 * LIMIT as u64 + 2)
        );
    }

    #[test]
    fn a_log_is_read_to_its_end() {
        let log = Log::default();
        log.begin();
        log.append(b"abc");
        let part = log.part(1);
        assert_eq!(
            (&part.bytes[..], part.next, part.open),
            (&b"bc"[..], 3, true)
        );
        log.end();
        let part = log.part(3);
        assert_eq!(
            (&part.bytes[..], part.next, part.open),
            (&b""[..], 3, false)
        );
    }
}
