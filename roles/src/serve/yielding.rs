//! A connection served by a task that yields. What works with files may block, and is done elsewhere.

use std::io;
use std::panic::resume_unwind;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::blocking::{LINGER, LINGER_BYTES};
use super::report::{PoolEvent, Report};
use super::session::Session;

/// Serves a connection to its end.
pub(super) async fn attend(
    connection: std::net::TcpStream,
    mut session: Session,
    mut drain: watch::Receiver<bool>,
    events: mpsc::Sender<PoolEvent>,
) -> (Session, Report) {
    session.restart();
    let mut connection = match prepare(connection) {
        Ok(connection) => connection,
        Err(error) => {
            session.fail(&error);
            let report = session.finish();
            return (session, report);
        }
    };
    loop {
        session = advance(session).await;
        if let Some(stored) = session.stored() {
            // Where nobody listens any more, nobody needs to know.
            let _ = events.send(PoolEvent::Stored(stored)).await;
        } else if !session.output().is_empty() {
            write(&mut connection, &mut session).await;
        } else if session.is_over() {
            break;
        } else {
            read(&mut connection, &mut session, &mut drain).await;
        }
    }
    let report = session.finish();
    if report.broken.is_some() {
        // Whether or not the client has closed by then.
        let _ = timeout(LINGER, linger(&mut connection, &mut session)).await;
    }
    (session, report)
}

fn prepare(connection: std::net::TcpStream) -> io::Result<TcpStream> {
    connection.set_nodelay(true)?;
    connection.set_nonblocking(true)?;
    TcpStream::from_std(connection)
}

async fn advance(mut session: Session) -> Session {
    let advanced = spawn_blocking(move || {
        session.advance();
        session
    });
    match advanced.await {
        Ok(session) => session,
        // A defect of this program; it ends this task as it would have ended a thread.
        Err(panicked) => resume_unwind(Box::new(panicked.to_string())),
    }
}

async fn write(connection: &mut TcpStream, session: &mut Session) {
    let written = timeout(session.patience(), connection.write(session.output())).await;
    match written {
        Ok(Ok(count)) => session.written(count),
        Ok(Err(error)) => session.fail(&error),
        Err(_) => session.fail(&io::ErrorKind::TimedOut.into()),
    }
}

async fn read(
    connection: &mut TcpStream,
    session: &mut Session,
    drain: &mut watch::Receiver<bool>,
) {
    let (between, patience) = (session.is_between(), session.patience());
    tokio::select! {
        count = timeout(patience, connection.read(session.room())) => match count {
            Ok(Ok(count)) => session.read(count),
            Ok(Err(error)) => session.fail(&error),
            Err(_) => session.lapse(),
        },
        // A request that was begun is served also if the server is to end.
        _ = drain.wait_for(|draining| *draining), if between => session.close(),
    }
}

/// Reads what the client still sends: see [`super::blocking`].
async fn linger(connection: &mut TcpStream, session: &mut Session) -> io::Result<()> {
    connection.shutdown().await?;
    let mut left_over = LINGER_BYTES;
    loop {
        match connection.read(session.room()).await? {
            count if count > 0 && count < left_over => left_over -= count,
            _ => return Ok(()),
        }
    }
}
