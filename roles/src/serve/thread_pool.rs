//! Workers that are threads.

use std::io;
use std::net::TcpStream;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, mpsc as inbox};
use std::thread::{Builder, panicking};

use protocol::stress::WorkerLoss;
use tokio::sync::mpsc;

use super::drain::Drain;
use super::options::Service;
use super::report::{PoolEvent, Report};
use super::session::Session;
use super::storage::Storage;
use super::vacancies::Respawns;

/// The work of a thread on a connection.
type Handler = dyn Fn(&TcpStream, &mut Session, &WorkerContext<'_>) -> Report + Send + Sync;

/// A worker thread's context: its orders and its channel for events.
pub(super) struct WorkerContext<'a> {
    pub(super) drain: &'a OwnedFd,
    pub(super) events: &'a mpsc::Sender<(u32, PoolEvent)>,
    pub(super) number: u32,
}

/// A fixed pool of threads, each with a connection or idle.
pub(super) struct ThreadPool {
    workers: Vec<inbox::Sender<TcpStream>>,
    /// The one that was busy last comes last: its memory is warm.
    idle: Vec<u32>,
    drain: Drain,
    vacancies: Respawns,
    events: mpsc::Receiver<(u32, PoolEvent)>,
    teller: mpsc::Sender<(u32, PoolEvent)>,
    storage: Arc<Storage>,
    service: Service,
    attend: Arc<Handler>,
}

impl ThreadPool {
    pub(super) fn start(
        storage: &Arc<Storage>,
        service: &Service,
        workers: u32,
    ) -> io::Result<Self> {
        let attend = |connection: &TcpStream, session: &mut Session, told: &WorkerContext<'_>| {
            let mut report = |stored| {
                // Where nobody listens any more, nobody needs to know.
                let event = (told.number, PoolEvent::Stored(stored));
                let _ = told.events.blocking_send(event);
            };
            super::blocking::attend(connection, session, told.drain.as_fd(), &mut report)
        };
        Self::attending(storage, service, workers, Arc::new(attend))
    }

    fn attending(
        storage: &Arc<Storage>,
        service: &Service,
        workers: u32,
        attend: Arc<Handler>,
    ) -> io::Result<Self> {
        let (teller, events) = mpsc::channel(QUEUE);
        let mut pool = Self {
            workers: Vec::new(),
            idle: (0..workers).rev().collect(),
            drain: Drain::new()?,
            vacancies: Respawns::default(),
            events,
            teller,
            storage: Arc::clone(storage),
            service: service.clone(),
            attend,
        };
        for number in 0..workers {
            let worker = pool.hire(number)?;
            pool.workers.push(worker);
        }
        Ok(pool)
    }

    pub(super) fn idle(&self) -> usize {
        self.idle.len()
    }

    pub(super) fn give(&mut self, connection: TcpStream) -> Result<(), TcpStream> {
        let mut connection = connection;
        while let Some(number) = self.idle.pop() {
            let worker = self.workers.get(number as usize);
            match worker.map(|worker| worker.send(connection)) {
                Some(Err(inbox::SendError(back))) => connection = back,
                _ => return Ok(()),
            }
        }
        Err(connection)
    }

    pub(super) async fn event(&mut self) -> io::Result<PoolEvent> {
        let event = loop {
            tokio::select! {
                event = self.events.recv() => break event,
                () = self.vacancies.due() => {
                    for number in self.vacancies.take() {
                        self.replace(number);
                    }
                }
            }
        };
        // The pool holds a sender itself: there is always a next one.
        let Some((number, event)) = event else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        match &event {
            PoolEvent::Done(_) => self.idle.push(number),
            PoolEvent::Lost(_) => self.replace(number),
            _ => {}
        }
        Ok(event)
    }

    pub(super) fn drain(&mut self) {
        self.drain.begin();
    }

    /// Those that live go on also where the system has no room for another one.
    fn replace(&mut self, number: u32) {
        match (self.hire(number), self.workers.get_mut(number as usize)) {
            (Ok(worker), Some(place)) => {
                *place = worker;
                self.idle.push(number);
            }
            _ => self.vacancies.push(number),
        }
    }

    fn hire(&self, number: u32) -> io::Result<inbox::Sender<TcpStream>> {
        let (give, inbox) = inbox::channel::<TcpStream>();
        let drain = OwnedFd::from(self.drain.listen()?);
        let events = self.teller.clone();
        let (storage, service) = (Arc::clone(&self.storage), self.service.clone());
        let attend = Arc::clone(&self.attend);
        let work = move || {
            let mut session = Session::new(storage, &service);
            let told = WorkerContext {
                drain: &drain,
                events: &events,
                number,
            };
            for connection in inbox {
                let obituary = DeathNotice(&told);
                let report = attend(&connection, &mut session, &told);
                // Whoever hears that it is done finds it closed.
                drop(connection);
                drop(obituary);
                let _ = events.blocking_send((number, PoolEvent::Done(report)));
            }
        };
        let name = format!("serve-{number}");
        Builder::new().name(name).spawn(work)?;
        Ok(give)
    }
}

impl std::fmt::Debug for ThreadPool {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = out.debug_struct("ThreadPool");
        shown.field("idle", &self.idle).finish_non_exhaustive()
    }
}

/// Tells of a thread's death, if it dies while it lives.
struct DeathNotice<'a>(&'a WorkerContext<'a>);

impl Drop for DeathNotice<'_> {
    fn drop(&mut self) {
        if panicking() {
            let loss = WorkerLoss {
                worker: self.0.number,
                reason: "it panicked".to_owned(),
                serving: true,
            };
            let event = (self.0.number, PoolEvent::Lost(loss));
            let _ = self.0.events.blocking_send(event);
        }
    }
}

/// Events that may wait; whoever has another one waits too.
pub(super) const QUEUE: usize = 64;
