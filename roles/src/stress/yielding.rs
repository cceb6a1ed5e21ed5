//! A client that yields.

use std::io;
use std::time::Instant;

use protocol::stress::ClientRecord;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::exchange::Exchange;
use super::job::Job;

/// Does what the job asks for. Making and hashing a portion of the content takes a fraction of a
/// millisecond and is done here.
pub(super) async fn run(job: Job) -> ClientRecord {
    let mut exchange = Exchange::new(&job);
    let began = Instant::now();
    let mut connection = connect(&job).await;
    match &mut connection {
        Ok(connection) => converse(connection, &job, &mut exchange).await,
        Err(error) => exchange.fail("cannot connect", error),
    }
    let seconds = began.elapsed().as_secs_f64();
    if let (Ok(connection), true) = (&mut connection, exchange.has_passed()) {
        take_leave(connection, &job, &mut exchange).await;
    }
    let outcome = exchange.outcome().cloned().unwrap_or_default();
    job.record(seconds, outcome)
}

async fn connect(job: &Job) -> io::Result<TcpStream> {
    let connection = in_time(job, TcpStream::connect(job.options.server)).await?;
    connection.set_nodelay(true)?;
    Ok(connection)
}

async fn converse(connection: &mut TcpStream, job: &Job, exchange: &mut Exchange) {
    let mut broken = None;
    while broken.is_none() && !exchange.output().is_empty() {
        match in_time(job, connection.write(exchange.output())).await {
            Ok(count) => exchange.written(count),
            Err(error) => broken = Some(error),
        }
    }
    // Also where not all could be sent: the server may have said why.
    while exchange.outcome().is_none() {
        match in_time(job, connection.read(exchange.room())).await {
            Ok(0) if broken.is_some() => break,
            Ok(count) => exchange.read(count),
            Err(error) if broken.is_none() => exchange.fail("cannot receive", &error),
            Err(_) => break,
        }
    }
    if let Some(error) = broken {
        exchange.fail("cannot send", &error);
    }
}

/// As a client that blocks takes leave.
async fn take_leave(connection: &mut TcpStream, job: &Job, exchange: &mut Exchange) {
    if connection.shutdown().await.is_ok() {
        let mut room = [0; 512];
        let more = timeout(job.leave(), connection.read(&mut room)).await;
        exchange.followed(more.map_or(0, |read| read.unwrap_or(0)));
    }
}

async fn in_time<T>(job: &Job, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(job.options.patience, work)
        .await
        .unwrap_or(Err(io::ErrorKind::TimedOut.into()))
}
