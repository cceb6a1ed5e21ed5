//! Workers that are tasks.

use std::net::TcpStream;
use std::sync::Arc;

use protocol::stress::WorkerLoss;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::options::Service;
use super::report::{PoolEvent, Report};
use super::session::Session;
use super::storage::Storage;
use super::thread_pool::QUEUE;
use super::yielding::attend;

/// At most so many tasks, each with a connection.
#[derive(Debug)]
pub(super) struct TaskPool {
    most: u32,
    tasks: JoinSet<(Session, Report)>,
    /// Sessions that have no connection, whose memory is warm.
    spare: Vec<Session>,
    drain: watch::Sender<bool>,
    events: mpsc::Receiver<PoolEvent>,
    teller: mpsc::Sender<PoolEvent>,
    storage: Arc<Storage>,
    service: Service,
}

impl TaskPool {
    pub(super) fn new(storage: &Arc<Storage>, service: &Service, most: u32) -> Self {
        let (teller, events) = mpsc::channel(QUEUE);
        Self {
            most,
            tasks: JoinSet::new(),
            spare: Vec::new(),
            drain: watch::Sender::new(false),
            events,
            teller,
            storage: Arc::clone(storage),
            service: service.clone(),
        }
    }

    pub(super) fn idle(&self) -> usize {
        (self.most as usize).saturating_sub(self.tasks.len())
    }

    pub(super) fn give(&mut self, connection: TcpStream) -> Result<(), TcpStream> {
        if self.idle() == 0 {
            return Err(connection);
        }
        let session = self.spare.pop();
        let session =
            session.unwrap_or_else(|| Session::new(Arc::clone(&self.storage), &self.service));
        let (drain, events) = (self.drain.subscribe(), self.teller.clone());
        self.tasks.spawn(attend(connection, session, drain, events));
        Ok(())
    }

    pub(super) async fn event(&mut self) -> PoolEvent {
        tokio::select! {
            biased;
            // The pool holds a sender itself: there is always a next one.
            Some(event) = self.events.recv() => event,
            Some(ended) = self.tasks.join_next() => match ended {
                Ok((session, report)) => {
                    self.spare.push(session);
                    PoolEvent::Done(report)
                }
                Err(error) => PoolEvent::Lost(WorkerLoss {
                    worker: 0,
                    reason: error.to_string(),
                    serving: true,
                }),
            },
        }
    }

    pub(super) fn drain(&mut self) {
        self.drain.send_replace(true);
    }
}
