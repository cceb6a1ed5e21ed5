//! A client that blocks.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

use protocol::stress::ClientRecord;

use super::exchange::Exchange;
use super::job::Job;

/// Does what the job asks for.
pub(super) fn run(job: Job) -> ClientRecord {
    let mut exchange = Exchange::new(&job);
    let began = Instant::now();
    let connection = connect(&job);
    match &connection {
        Ok(connection) => converse(connection, &mut exchange),
        Err(error) => exchange.fail("cannot connect", error),
    }
    let seconds = began.elapsed().as_secs_f64();
    if let (Ok(connection), true) = (&connection, exchange.has_passed()) {
        take_leave(connection, &job, &mut exchange);
    }
    let outcome = exchange.outcome().cloned().unwrap_or_default();
    job.record(seconds, outcome)
}

fn connect(job: &Job) -> io::Result<TcpStream> {
    let patience = job.options.patience;
    let connection = TcpStream::connect_timeout(&job.options.server, patience)?;
    connection.set_nodelay(true)?;
    connection.set_read_timeout(Some(patience))?;
    connection.set_write_timeout(Some(patience))?;
    Ok(connection)
}

fn converse(connection: &TcpStream, exchange: &mut Exchange) {
    let mut connection = connection;
    let mut broken = None;
    while broken.is_none() && !exchange.output().is_empty() {
        match connection.write(exchange.output()) {
            Ok(count) => exchange.written(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => broken = Some(error),
        }
    }
    // Also where not all could be sent: the server may have said why.
    while exchange.outcome().is_none() {
        match connection.read(exchange.room()) {
            Ok(0) if broken.is_some() => break,
            Ok(count) => exchange.read(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if broken.is_none() => exchange.fail("cannot receive", &error),
            Err(_) => break,
        }
    }
    if let Some(error) = broken {
        exchange.fail("cannot send", &error);
    }
}

/// Hears out a server that has replied, for nothing may come after that. One that does not care for the
/// end of our side may keep the connection.
fn take_leave(connection: &TcpStream, job: &Job, exchange: &mut Exchange) {
    let mut connection = connection;
    let ready = connection
        .shutdown(Shutdown::Write)
        .and_then(|()| connection.set_read_timeout(Some(job.leave())));
    if ready.is_ok() {
        exchange.followed(connection.read(&mut [0; 512]).unwrap_or(0));
    }
}
