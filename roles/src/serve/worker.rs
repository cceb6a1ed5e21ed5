//! `node serve-worker`: serves one connection after the other, as they are handed over, in a process
//! of its own.

use std::io;
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::process::ExitCode;

use nix::sys::signal::{SigSet, Signal};
use plumbing::handover::{self, Handed};

use super::blocking::attend;
use super::options::ServeWorkerArguments;
use super::process_worker::LONGEST_MESSAGE;
use super::report::WorkerMessage;
use super::session::Session;
use super::storage::Storage;
use crate::worker;

/// Runs `node serve-worker`, whose standard input is the socket of [`plumbing::handover`] over which
/// the directory and then connections come, and reports go. The code is 0 once the other end is closed.
pub fn work(arguments: &ServeWorkerArguments) -> io::Result<ExitCode> {
    serve(arguments)?;
    Ok(ExitCode::SUCCESS)
}

fn serve(arguments: &ServeWorkerArguments) -> io::Result<()> {
    // Ctrl-C is for the server, which tells its workers when to end.
    SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM]).thread_block()?;
    worker::begin(&format!("serve worker {}", arguments.number))?;
    let input = io::stdin();
    let socket = input.as_fd();
    let mut buffer = [0; LONGEST_MESSAGE];
    let Handed::Message(_, Some(directory)) = handover::receive(socket, &mut buffer)? else {
        return Ok(());
    };
    let service = &arguments.service;
    let storage = Storage::within(directory, service, arguments.server);
    let mut session = Session::new(storage, service);
    tell(socket, &WorkerMessage::Ready)?;
    while let Handed::Message(_, Some(connection)) = handover::receive(socket, &mut buffer)? {
        let connection = TcpStream::from(connection);
        // While a connection is served nothing comes but the end.
        let report = attend(&connection, &mut session, socket, &mut |stored| {
            // Where nobody listens any more, the next wait tells.
            let _ = tell(socket, &WorkerMessage::Stored(stored));
        });
        // Whoever hears that it is done finds it closed.
        drop(connection);
        match tell(socket, &WorkerMessage::Done(report)) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            told => told?,
        }
    }
    Ok(())
}

fn tell(socket: BorrowedFd<'_>, message: &WorkerMessage) -> io::Result<()> {
    handover::send(socket, &serde_json::to_vec(message)?, None)
}
