//! A fixed pool of threads, processes or tasks.

use std::io;
use std::net::TcpStream;

use protocol::stress::Workers;

use super::options::ServeArguments;
use super::process_pool::ProcessPool;
use super::report::PoolEvent;
use super::storage::Storage;
use super::task_pool::TaskPool;
use super::thread_pool::ThreadPool;
use std::sync::Arc;

/// The workers of a server.
#[derive(Debug)]
pub(super) enum Pool {
    Threads(ThreadPool),
    Processes(ProcessPool),
    Tasks(TaskPool),
}

impl Pool {
    /// Starts them, and waits until each is ready.
    pub(super) async fn start(
        arguments: &ServeArguments,
        storage: &Arc<Storage>,
    ) -> io::Result<Self> {
        let (service, workers) = (&arguments.service, arguments.workers);
        let mut pool = match arguments.model {
            Workers::Thread => Self::Threads(ThreadPool::start(storage, service, workers)?),
            Workers::Process => Self::Processes(ProcessPool::start(storage, service, workers)?),
            Workers::Async => Self::Tasks(TaskPool::new(storage, service, workers)),
        };
        while pool.idle() < workers as usize {
            pool.event().await?;
        }
        Ok(pool)
    }

    /// Returns how many workers could take a connection now.
    pub(super) fn idle(&self) -> usize {
        match self {
            Self::Threads(pool) => pool.idle(),
            Self::Processes(pool) => pool.idle(),
            Self::Tasks(pool) => pool.idle(),
        }
    }

    /// Gives a connection to an idle worker; gives it back if there is none.
    pub(super) fn give(&mut self, connection: TcpStream) -> Result<(), TcpStream> {
        match self {
            Self::Threads(pool) => pool.give(connection),
            Self::Processes(pool) => pool.give(connection),
            Self::Tasks(pool) => pool.give(connection),
        }
    }

    /// Waits for the next event. Nothing is lost if the future is dropped.
    pub(super) async fn event(&mut self) -> io::Result<PoolEvent> {
        match self {
            Self::Threads(pool) => pool.event().await,
            Self::Processes(pool) => pool.event().await,
            Self::Tasks(pool) => Ok(pool.event().await),
        }
    }

    /// Has workers end connections that are between requests, and others after theirs.
    pub(super) fn drain(&mut self) {
        match self {
            Self::Threads(pool) => pool.drain(),
            Self::Processes(pool) => pool.drain(),
            Self::Tasks(pool) => pool.drain(),
        }
    }
}
