//! Accepts connections, gives them to workers, and keeps those waiting for which there is none.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Write};
use std::net::TcpStream;
use std::time::Duration;

use nix::errno::Errno;
use protocol::file_service::reply;
use protocol::role::RoleEvent;
use protocol::stress::{ServerRecord, WorkerLoss};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep_until};

use super::options::ServeArguments;
use super::pool::Pool;
use super::report::{PoolEvent, Report};
use super::vacancies::AGAIN;
use crate::lines;

/// A server at work.
#[derive(Debug)]
pub(super) struct Acceptor {
    /// None once it is to end.
    listener: Option<TcpListener>,
    pool: Pool,
    waiting: VecDeque<TcpStream>,
    serving: u32,
    /// When to accept again, if the system has had no room for another connection.
    full_until: Option<Instant>,
    connections: u32,
    /// The number of connections that may wait here, so that those being served find descriptors; more wait
    /// in the kernel.
    waiting_room: usize,
    drain: Duration,
    record: ServerRecord,
}

impl Acceptor {
    /// Hands out connections to workers that are ready. `descriptors`: how many this process may have.
    pub(super) fn new(
        listener: TcpListener,
        pool: Pool,
        arguments: &ServeArguments,
        descriptors: u64,
    ) -> Self {
        Self {
            listener: Some(listener),
            pool,
            waiting: VecDeque::new(),
            serving: 0,
            full_until: None,
            connections: arguments.connections,
            waiting_room: waiting_room(descriptors, arguments.workers),
            drain: arguments.drain,
            record: record(arguments),
        }
    }

    /// Serves until SIGTERM or SIGINT, and then until the requests that were begun are done, a second
    /// signal comes, or time is up.
    pub(super) async fn run(mut self) -> io::Result<ServerRecord> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut end = None;
        while end.is_none() || self.serving > 0 {
            let ending = end.unwrap_or_else(Instant::now);
            let room = self.waiting.len() < self.waiting_room;
            tokio::select! {
                accepted = accept(self.listener.as_ref(), self.full_until), if room => self.welcome(accepted)?,
                event = self.pool.event() => self.note(event?),
                () = either(&mut terminate, &mut interrupt) => {
                    if end.is_some() {
                        break;
                    }
                    end = Some(Instant::now() + self.drain);
                    self.begin_end();
                }
                () = sleep_until(ending), if end.is_some() => break,
            }
            self.give();
        }
        self.record.workers_ok = self.record.workers;
        let lost = u64::from(self.serving);
        if lost > 0 {
            let failed = &mut self.record.connections_failed;
            *failed.entry("the server ended".to_owned()).or_default() += lost;
        }
        Ok(self.record)
    }

    fn welcome(&mut self, accepted: io::Result<TcpStream>) -> io::Result<()> {
        self.full_until = None;
        match accepted {
            Ok(connection) => {
                let open = self.waiting.len() + self.serving as usize;
                if open < self.connections as usize {
                    self.waiting.push_back(connection);
                } else {
                    self.refuse(
                        &connection,
                        "the server has too many connections; try again",
                    );
                }
                Ok(())
            }
            Err(error) => match error.raw_os_error().map(Errno::from_raw) {
                Some(Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM) => {
                    self.full_until = Some(Instant::now() + AGAIN);
                    Ok(())
                }
                // What went wrong with a connection before it was accepted (accept(2)) is its own.
                Some(Errno::EBADF | Errno::EINVAL | Errno::ENOTSOCK) => Err(error),
                _ => Ok(()),
            },
        }
    }

    fn note(&mut self, event: PoolEvent) {
        match event {
            PoolEvent::Ready => {}
            PoolEvent::Stored(stored) => tell(&RoleEvent::Stored(stored)),
            PoolEvent::Done(report) => self.ended(report),
            PoolEvent::Lost(loss) => self.lost(loss),
        }
    }

    fn ended(&mut self, report: Report) {
        self.serving = self.serving.saturating_sub(1);
        self.full_until = None;
        let record = &mut self.record;
        record.requests_ok += report.ok;
        record.requests_failed += report.failed;
        record.stored += report.stored;
        record.sent += report.sent;
        match report.broken {
            Some(reason) => *record.connections_failed.entry(reason).or_default() += 1,
            None => record.connections_ok += 1,
        }
    }

    fn lost(&mut self, loss: WorkerLoss) {
        self.record.workers_failed += 1;
        if loss.serving {
            let reason = format!("its worker died: {}", loss.reason);
            self.ended(Report {
                broken: Some(reason),
                ..Report::default()
            });
        }
        tell(&RoleEvent::WorkerLost(loss));
    }

    fn give(&mut self) {
        while let Some(connection) = self.waiting.pop_front() {
            if let Err(back) = self.pool.give(connection) {
                self.waiting.push_front(back);
                break;
            }
            self.serving += 1;
            self.record.connections += 1;
        }
        let waiting = u32::try_from(self.waiting.len()).unwrap_or(u32::MAX);
        self.record.most_served = self.record.most_served.max(self.serving);
        self.record.most_waiting = self.record.most_waiting.max(waiting);
    }

    fn begin_end(&mut self) {
        self.listener = None;
        for connection in std::mem::take(&mut self.waiting) {
            self.refuse(&connection, "the server is ending");
        }
        self.pool.drain();
    }

    fn refuse(&mut self, connection: &TcpStream, reason: &str) {
        self.record.refused += 1;
        let mut connection = connection;
        // A new connection has room for a line; a client that is gone already needs none.
        let _ = connection.write(&reply::error(reason));
        let _ = connection.shutdown(std::net::Shutdown::Write);
    }
}

/// Clients are served also once nobody listens to the server.
fn tell(event: &RoleEvent) {
    let _ = lines::print(event);
}

async fn accept(
    listener: Option<&TcpListener>,
    not_before: Option<Instant>,
) -> io::Result<TcpStream> {
    if let Some(time) = not_before {
        sleep_until(time).await;
    }
    match listener {
        Some(listener) => listener.accept().await?.0.into_std(),
        None => std::future::pending().await,
    }
}

async fn either(one: &mut Signal, other: &mut Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}

/// Returns how many connections may wait, given `descriptors`.
fn waiting_room(descriptors: u64, workers: u32) -> usize {
    let needed = OWN_DESCRIPTORS + u64::from(workers) * WORKERS_DESCRIPTORS;
    // One at least: a connection waits for a moment also where a worker is idle.
    let left = descriptors.saturating_sub(needed).max(1);
    usize::try_from(left).unwrap_or(usize::MAX)
}

/// The descriptors that a server needs beside connections and workers, and for a moment while it starts a
/// process.
const OWN_DESCRIPTORS: u64 = 32;

/// A worker's most: its connection, what tells it of the end, a file, and the directory while it is read.
const WORKERS_DESCRIPTORS: u64 = 4;

fn record(arguments: &ServeArguments) -> ServerRecord {
    ServerRecord {
        model: arguments.model,
        workers: arguments.workers,
        workers_ok: 0,
        workers_failed: 0,
        connections: 0,
        connections_ok: 0,
        connections_failed: BTreeMap::new(),
        refused: 0,
        requests_ok: 0,
        requests_failed: 0,
        stored: 0,
        sent: 0,
        most_served: 0,
        most_waiting: 0,
        buffer: arguments.service.buffer as u64,
    }
}
