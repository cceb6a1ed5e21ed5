//! Requests that make something, which end even if nobody waits for them any longer.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::RwLock;

/// The requests that are making something. An engine may carry a request out after its sender has
/// gone; what is to be removed must not appear after it was looked for.
#[derive(Debug, Clone, Default)]
pub(super) struct PendingRequests(Arc<RwLock<()>>);

impl PendingRequests {
    /// Runs `request` to its end in a task of its own; `None` only if the runtime is shutting down.
    pub(super) async fn run<T, F>(&self, request: F) -> Option<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let making = Arc::clone(&self.0).read_owned().await;
        let task = tokio::spawn(async move {
            let made = request.await;
            drop(making);
            made
        });
        task.await.ok()
    }

    /// Waits until every request that was under way has ended.
    pub(super) async fn settled(&self) {
        drop(self.0.write().await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn a_request_that_nobody_waits_for_is_waited_for() {
        let pending_requests = PendingRequests::default();
        let (begun, has_begun) = oneshot::channel();
        let (finish, may_finish) = oneshot::channel::<()>();
        let (ended, mut has_ended) = oneshot::channel();
        let making = pending_requests.run(async move {
            begun.send(()).unwrap();
            may_finish.await.unwrap();
            ended.send(()).unwrap();
        });
        tokio::select! {
            _ = making => panic!("it cannot end yet"),
            started = has_begun => started.unwrap(),
        }
        finish.send(()).unwrap();
        pending_requests.settled().await;
        has_ended.try_recv().unwrap();
    }
}
