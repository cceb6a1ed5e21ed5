//! Work that computes or waits for the disk, done where it holds up nothing else.

use std::panic::resume_unwind;

/// Does some work on a thread of its own. Where this is dropped, as by an interruption, nobody waits for it.
///
/// # Panics
/// If the work does.
pub(super) async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime is being shut down, and with it whoever asked for this.
            Err(_) => std::future::pending().await,
        },
    }
}
