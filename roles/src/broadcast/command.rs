//! `node broadcast-send` and `node broadcast-receive`: one task, driven by one thread, telling on
//! standard output what happens.

use std::io;
use std::process::ExitCode;

use protocol::role::RoleEvent;

use super::options::{KeyError, ReceiveArguments, SendArguments};
use super::receive::{ReceiveError, ReceiveTask};
use super::send::{SendError, SendTask};
use super::task::Task;
use crate::lines;

/// Runs `node broadcast-send`: sends the files and prints what happens. The code is 0 once every
/// receiver has proved every file, otherwise 1.
pub fn send(arguments: SendArguments) -> ExitCode {
    conclude(try_send(arguments))
}

/// Runs `node broadcast-receive`: receives files and prints what happens. The code is 0 once all are
/// there and their senders have ended their sessions, otherwise 1.
pub fn receive(arguments: ReceiveArguments) -> ExitCode {
    conclude(try_receive(arguments))
}

/// Why a role could not do its work.
#[derive(Debug, thiserror::Error)]
enum RoleError {
    #[error(transparent)]
    Send(#[from] SendError),
    #[error(transparent)]
    Receive(#[from] ReceiveError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("cannot print: {0}")]
    Print(io::Error),
}

fn try_send(arguments: SendArguments) -> Result<bool, RoleError> {
    run(&mut SendTask::new(arguments.order()?)?)
}

fn try_receive(arguments: ReceiveArguments) -> Result<bool, RoleError> {
    run(&mut ReceiveTask::new(arguments.order()?)?)
}

fn run<T: Task>(task: &mut T) -> Result<bool, RoleError>
where
    RoleError: From<T::Error>,
{
    let print = |event| lines::print(&event).map_err(RoleError::Print);
    print(RoleEvent::Ready)?;
    task.run(print)
}

fn conclude(result: Result<bool, RoleError>) -> ExitCode {
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => lines::fail(error.to_string()),
    }
}
