//! A connection served by a thread that blocks.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::poll::PollFlags;
use protocol::stress::StoredFile;

use super::drain::{WaitOutcome, wait};
use super::report::Report;
use super::session::Session;

/// Serves a connection to its end.
pub(super) fn attend(
    connection: &TcpStream,
    session: &mut Session,
    drain: BorrowedFd<'_>,
    report: &mut dyn FnMut(StoredFile),
) -> Report {
    session.restart();
    let prepared = connection
        .set_nodelay(true)
        // Waits are for `poll` alone: a write that waits itself takes what it may take for each part.
        .and_then(|()| connection.set_nonblocking(true));
    if let Err(error) = prepared {
        session.fail(&error);
    }
    loop {
        session.advance();
        if let Some(stored) = session.stored() {
            report(stored);
        } else if !session.output().is_empty() {
            write(connection, session);
        } else if session.is_over() {
            break;
        } else {
            read(connection, session, drain);
        }
    }
    let report = session.finish();
    if report.broken.is_some() {
        linger(connection, session.room());
    }
    report
}

fn write(connection: &TcpStream, session: &mut Session) {
    let mut connection = connection;
    match connection.write(session.output()) {
        Ok(count) => session.written(count),
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            let writable = (connection.as_fd(), PollFlags::POLLOUT);
            match wait(writable, None, session.patience()) {
                Ok(WaitOutcome::Lapsed) => session.fail(&ErrorKind::TimedOut.into()),
                Ok(_) => {}
                Err(error) => session.fail(&error),
            }
        }
        Err(error) if error.kind() == ErrorKind::Interrupted => {}
        Err(error) => session.fail(&error),
    }
}

fn read(connection: &TcpStream, session: &mut Session, drain: BorrowedFd<'_>) {
    // A request that was begun is served also if the server is to end.
    let drain = session.is_between().then_some(drain);
    let mut connection = connection;
    let readable = (connection.as_fd(), PollFlags::POLLIN);
    match wait(readable, drain, session.patience()) {
        Ok(WaitOutcome::Able) => match connection.read(session.room()) {
            Ok(count) => session.read(count),
            // What was there to be read is gone, which the kernel may do (select(2), BUGS).
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => session.fail(&error),
        },
        Ok(WaitOutcome::Draining) => session.close(),
        Ok(WaitOutcome::Lapsed) => session.lapse(),
        Err(error) => session.fail(&error),
    }
}

/// Reads what the client still sends, for a moment: closing a socket with bytes unread resets the
/// connection (RFC 2525 §2.17), and what was last written might not be read any more.
fn linger(connection: &TcpStream, room: &mut [u8]) {
    let end = Instant::now() + LINGER;
    let mut left_over = LINGER_BYTES;
    let mut connection = connection;
    if connection.shutdown(Shutdown::Write).is_err() {
        return;
    }
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let readable = (connection.as_fd(), PollFlags::POLLIN);
        if wait(readable, None, left).ok() != Some(WaitOutcome::Able) {
            return;
        }
        match connection.read(room) {
            Ok(count) if count > 0 && count < left_over => left_over -= count,
            _ => return,
        }
    }
}

/// Stop draining after this many bytes.
pub(super) const LINGER_BYTES: usize = 16 << 20;

/// Long enough for a client on a slow link to see the reply.
pub(super) const LINGER: Duration = Duration::from_millis(500);
