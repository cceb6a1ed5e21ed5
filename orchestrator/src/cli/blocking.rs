//! Runs work that computes or waits for the disk where it blocks nothing else.

use std::panic::resume_unwind;

/// Does some work on a thread of its own. If this is dropped, as by an interruption, the work is not waited for.
///
/// # Panics
/// If the work panics.
pub(super) async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime is being shut down, and the caller with it.
            Err(_) => std::future::pending().await,
        },
    }
}
