//! A thread that decodes blocks and stands back behind all others, so that whoever reads the socket
//! goes on answering: where many receivers share a machine, all of them decode at the same moments.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SendError, Sender, channel};
use std::thread::Builder;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::eventfd::{EfdFlags, EventFd};

use super::assembly::{Assembly, DecoderCache, Whole};
use super::receiver::SessionId;

/// The thread, once there was something to decode.
#[derive(Debug)]
pub(super) struct Decoder {
    /// Rings when a block is done.
    bell: Arc<EventFd>,
    /// Readable when the bell rings or the socket is.
    either: Epoll,
    thread: Option<Thread>,
    /// Blocks that have not come back from the thread.
    at_work: usize,
    /// For what the thread has no time for.
    decoder: DecoderCache,
}

/// A block with enough symbols.
pub(super) type Job = (SessionId, u32, Assembly);
/// The result of decoding a block.
pub(super) type Decoded = (SessionId, u32, Result<Whole, Vec<u8>>);

#[derive(Debug)]
struct Thread {
    jobs: Sender<Job>,
    done: Receiver<Decoded>,
}

impl Decoder {
    /// A decoder for the receiver that reads this socket.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn new(socket: BorrowedFd<'_>) -> io::Result<Self> {
        let bell = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        let either = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        either.add(socket, EpollEvent::new(EpollFlags::EPOLLIN, 0))?;
        either.add(&bell, EpollEvent::new(EpollFlags::EPOLLIN, 1))?;
        Ok(Self {
            bell: Arc::new(bell),
            either,
            thread: None,
            at_work: 0,
            decoder: DecoderCache::default(),
        })
    }

    /// Has the thread decode a block; returns it decoded at once where the thread has enough to do, or
    /// there can be none.
    pub(super) fn decode(&mut self, job: Job) -> Option<Decoded> {
        if self.at_work >= MOST_AT_WORK {
            return Some(finish(job, &mut self.decoder));
        }
        if self.thread.is_none() {
            self.thread = Thread::start(Arc::clone(&self.bell)).ok();
        }
        let Some(thread) = &self.thread else {
            return Some(finish(job, &mut self.decoder));
        };
        match thread.jobs.send(job) {
            Ok(()) => {
                self.at_work += 1;
                None
            }
            Err(SendError(job)) => Some(finish(job, &mut self.decoder)),
        }
    }

    /// The next block that the thread is done with.
    pub(super) fn next(&mut self) -> Option<Decoded> {
        let thread = self.thread.as_ref()?;
        // Whether it rang or not, all that is done is taken now.
        let _ = self.bell.read();
        let decoded = thread.done.try_recv().ok()?;
        self.at_work -= 1;
        Some(decoded)
    }
}

impl AsFd for Decoder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.either.0.as_fd()
    }
}

impl Thread {
    /// It ends when its jobs can get no more.
    fn start(bell: Arc<EventFd>) -> io::Result<Self> {
        let (jobs, waiting) = channel();
        let (finished, done) = channel();
        let work = move || {
            // Where it cannot stand back it works all the same.
            let _ = plumbing::own_priority::stand_back();
            let mut decoder = DecoderCache::default();
            for job in waiting {
                if finished.send(finish(job, &mut decoder)).is_err() {
                    break;
                }
                // It counts, and cannot be full before memory is.
                let _ = bell.write(1);
            }
        };
        Builder::new().name("decoder".to_owned()).spawn(work)?;
        Ok(Self { jobs, done })
    }
}

fn finish((session, number, assembly): Job, decoder: &mut DecoderCache) -> Decoded {
    (session, number, assembly.finish(decoder))
}

/// Blocks that wait for the thread, each with as much memory as an open one.
const MOST_AT_WORK: usize = 4;
