//! Waiting for the sessions of a process that is ending.

use std::time::Duration;

use tokio::time::timeout;
use tokio_util::task::TaskTracker;

/// The sessions of a process over its consoles. GNS3 3.0 does not always survive a client that is cut off
/// ([`super::ConsoleErrorKind::Mute`]), so a process lets each say its bye before it ends.
#[derive(Debug, Clone, Default)]
pub struct PendingCloses(TaskTracker);

impl PendingCloses {
    /// Runs a session that is to be waited for.
    pub(super) fn expect(&self, session: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(session);
    }

    /// Waits, for seconds at most, until all have been said. Sessions whose console is still held by somebody
    /// have none to say.
    pub async fn finished(&self) {
        self.0.close();
        let _ = timeout(PATIENCE, self.0.wait()).await;
    }
}

/// The longest time for a bye, its answer and the last bytes.
const PATIENCE: Duration = Duration::from_secs(5);
