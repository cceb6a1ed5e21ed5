//! Workers that are processes. This one accepts; each of them has one connection, handed over as a
//! descriptor, or is idle.

use std::collections::BTreeMap;
use std::io;
use std::net::TcpStream;
use std::sync::Arc;

use protocol::stress::WorkerLoss;
use tokio::sync::mpsc;

use super::options::Service;
use super::process_worker::{ProcessNews, ProcessWorker};
use super::report::{PoolEvent, WorkerMessage};
use super::storage::Storage;
use super::thread_pool::QUEUE;
use super::vacancies::Respawns;

/// A fixed pool of processes.
#[derive(Debug)]
pub(super) struct ProcessPool {
    workers: BTreeMap<u32, ProcessWorker>,
    /// The one that was busy last comes last: its memory is warm.
    idle: Vec<u32>,
    heard: mpsc::Receiver<ProcessNews>,
    teller: mpsc::Sender<ProcessNews>,
    lives: u64,
    /// Workers in a row that died before they were ready.
    stillborn: u32,
    draining: bool,
    vacancies: Respawns,
    storage: Arc<Storage>,
    service: Service,
}

impl ProcessPool {
    pub(super) fn start(
        storage: &Arc<Storage>,
        service: &Service,
        workers: u32,
    ) -> io::Result<Self> {
        let (teller, heard) = mpsc::channel(QUEUE);
        let mut pool = Self {
            workers: BTreeMap::new(),
            idle: Vec::new(),
            heard,
            teller,
            lives: 0,
            stillborn: 0,
            draining: false,
            vacancies: Respawns::default(),
            storage: Arc::clone(storage),
            service: service.clone(),
        };
        for number in 0..workers {
            pool.hire(number)?;
        }
        Ok(pool)
    }

    pub(super) fn idle(&self) -> usize {
        self.idle.len()
    }

    pub(super) fn give(&mut self, connection: TcpStream) -> Result<(), TcpStream> {
        let mut connection = connection;
        while let Some(number) = self.idle.pop() {
            let Some(worker) = self.workers.get_mut(&number) else {
                continue;
            };
            match worker.give(connection) {
                Ok(()) => return Ok(()),
                Err(back) => connection = back,
            }
        }
        Err(connection)
    }

    pub(super) async fn event(&mut self) -> io::Result<PoolEvent> {
        loop {
            let heard = tokio::select! {
                heard = self.heard.recv() => heard,
                () = self.vacancies.due() => {
                    self.fill();
                    continue;
                }
            };
            // The pool holds a sender itself: there is always a next one.
            let Some((number, life, message)) = heard else {
                return Err(io::ErrorKind::BrokenPipe.into());
            };
            let Some(worker) = self.workers.get_mut(&number) else {
                continue;
            };
            if worker.life != life {
                continue;
            }
            return Ok(match message {
                Some(WorkerMessage::Ready) => {
                    worker.ready = true;
                    self.stillborn = 0;
                    self.idle.push(number);
                    PoolEvent::Ready
                }
                Some(WorkerMessage::Stored(stored)) => PoolEvent::Stored(stored),
                Some(WorkerMessage::Done(report)) => {
                    worker.serving = false;
                    self.idle.push(number);
                    PoolEvent::Done(report)
                }
                None => match self.replace(number)? {
                    Some(loss) => PoolEvent::Lost(loss),
                    None => continue,
                },
            });
        }
    }

    pub(super) fn drain(&mut self) {
        self.draining = true;
        self.idle.clear();
        self.workers.values().for_each(ProcessWorker::drain);
    }

    /// Puts another one into the place of one that has ended. None if it ended because it should.
    fn replace(&mut self, number: u32) -> io::Result<Option<WorkerLoss>> {
        self.idle.retain(|&idle| idle != number);
        let Some(dead) = self.workers.remove(&number) else {
            return Ok(None);
        };
        let (ready, serving, process) = (dead.ready, dead.serving, dead.process());
        let reason = dead.bury()?;
        // What cannot be removed now goes with the next server's start.
        let _ = self.storage.sweep_after(process);
        if self.draining && !serving {
            return Ok(None);
        }
        if !ready {
            self.stillborn += 1;
            if self.stillborn > MOST_STILLBORN {
                // The next one would do no better.
                let reason = format!("worker {number} could not begin: {reason}");
                return Err(io::Error::other(reason));
            }
        }
        self.refill(number);
        Ok(Some(WorkerLoss {
            worker: number,
            reason,
            serving,
        }))
    }

    /// Those that live go on also where the system has no room for another one.
    fn refill(&mut self, number: u32) {
        if !self.draining && self.hire(number).is_err() {
            self.vacancies.push(number);
        }
    }

    fn fill(&mut self) {
        for number in self.vacancies.take() {
            self.refill(number);
        }
    }

    fn hire(&mut self, number: u32) -> io::Result<()> {
        self.lives += 1;
        let teller = self.teller.clone();
        let worker =
            ProcessWorker::start((number, self.lives), &self.service, &self.storage, teller)?;
        self.workers.insert(number, worker);
        Ok(())
    }
}

/// Of workers that die before they are ready, so many in a row are bad luck.
const MOST_STILLBORN: u32 = 20;
