//! The job of one client.

use std::time::Duration;

use blake3::Hasher;
use protocol::content::Content;
use protocol::name::{FileName, NameError};
use protocol::stress::{ClientRecord, Operation};

use super::options::ClientOptions;

/// A file to be moved.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) client: u32,
    pub(super) name: FileName,
    pub(super) options: ClientOptions,
    /// The hash of what is fetched.
    pub(super) expected: Option<String>,
}

/// The outcome of a job.
#[derive(Debug, Clone, Default)]
pub(super) struct Outcome {
    pub(super) bytes: u64,
    pub(super) blake3: String,
    pub(super) failure: Option<String>,
}

impl Job {
    /// The job of the client with this number.
    pub(super) fn new(
        client: u32,
        options: &ClientOptions,
        expected: Option<String>,
    ) -> Result<Self, NameError> {
        let prefix = &options.prefix;
        let name = match options.operation {
            Operation::Upload => format!("{prefix}-{client}.bin"),
            Operation::Download => format!("{prefix}.bin"),
        };
        Ok(Self {
            client,
            name: name.parse()?,
            options: options.clone(),
            expected,
        })
    }

    /// Returns the content that the client stores.
    pub(super) fn content(&self) -> Content {
        Content::new(self.options.seed, self.client.wrapping_add(1))
    }

    /// Returns how long a server that has replied is heard out.
    pub(super) fn leave(&self) -> Duration {
        self.options.patience.min(LEAVE)
    }

    /// Returns the record of an outcome that took `seconds`.
    pub(super) fn record(self, seconds: f64, outcome: Outcome) -> ClientRecord {
        ClientRecord {
            client: self.client,
            name: self.name,
            bytes: outcome.bytes,
            blake3: outcome.blake3,
            seconds,
            failure: outcome.failure,
        }
    }
}

/// Returns the content that all clients fetch.
pub(super) fn shared_content(seed: u64) -> Content {
    Content::new(seed, 0)
}

/// The hash of the first `length` bytes of a content.
pub(super) fn hash(content: Content, length: u64) -> String {
    let mut hasher = Hasher::new();
    portions(content, length, |portion| {
        hasher.update(portion);
        Ok::<(), std::convert::Infallible>(())
    })
    .unwrap_or_else(|never| match never {});
    hasher.finalize().to_string()
}

/// Makes the first `length` bytes of a content, portion by portion.
pub(super) fn portions<E>(
    content: Content,
    length: u64,
    mut take: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut buffer = vec![0; PORTION];
    let mut offset = 0;
    while offset < length {
        let count = usize::try_from(length - offset).map_or(PORTION, |left| left.min(PORTION));
        let portion = &mut buffer[..count];
        content.fill(offset, portion);
        take(portion)?;
        offset += count as u64;
    }
    Ok(())
}

const PORTION: usize = 128 << 10;

/// A server that sees the end of our side closes its own at once; what it sends after a reply is there by
/// then.
const LEAVE: Duration = Duration::from_millis(100);
