//! `exec` and `shell`: a program in a node, on this process's streams.

use std::io::{self, IsTerminal};

use protocol::control::{Command, Exit, FailureKind, Lifetime, Program, Stream};
use tokio::io::AsyncReadExt;
use tokio::signal::unix::{SignalKind, signal};

use crate::control::process::ProcessHandle;
use crate::control::{Control, ControlError, Process, ProcessEvent};
use crate::lab::LabRecord;

use super::args::{ExecArgs, NodeArg};
use super::failure::{Failure, Status};
use super::find;
use super::interrupts::Interrupts;
use super::printer::Printer;
use super::site::Site;
use super::terminal::{RawTerminal, window_size};

/// Runs a program in a node; exits as it does.
///
/// # Errors
/// If there is no such node, or no such program in it.
pub async fn exec(args: ExecArgs, printer: Printer, site: &Site) -> Result<Status, Failure> {
    // Before there is a program that a signal could miss.
    let interrupts = Interrupts::listen()?;
    let (record, control) = find::connect(site, &args.node.node).await?;
    match control
        .start(command(&record, &control, args.command, args.tty))
        .await
    {
        Ok(process) => attend(process, args.tty, printer, interrupts).await,
        Err(error) => {
            // As shells do it: 126 for what may not be run, 127 for what is not there.
            let code = match error.failure() {
                Some(FailureKind::NotFound) => 127,
                Some(FailureKind::Denied) => 126,
                _ => return Err(error.into()),
            };
            printer.fail(&error.into());
            Ok(Status::Program(code))
        }
    }
}

/// Opens a shell in a node: the first of bash and sh that it has.
///
/// # Errors
/// If there is no such node, or no shell in it.
pub async fn shell(args: NodeArg, printer: Printer, site: &Site) -> Result<Status, Failure> {
    let interrupts = Interrupts::listen()?;
    let (record, control) = find::connect(site, &args.node).await?;
    let tty = io::stdin().is_terminal();
    for shell in ["bash", "sh"] {
        let words = vec![shell.to_owned()];
        match control.start(command(&record, &control, words, tty)).await {
            Ok(process) => return attend(process, tty, printer, interrupts).await,
            Err(error) if error.failure() == Some(FailureKind::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let node = control.node();
    let hint = "the built-in Docker image has no programs but the node; use --backend netns, or an `image` with a shell";
    Err(Failure::Lacking(format!(
        "node {node} has no shell: {hint}"
    )))
}

fn command(record: &LabRecord, control: &Control, words: Vec<String>, tty: bool) -> Command {
    let node = record
        .plan
        .nodes
        .iter()
        .find(|node| node.name == *control.node());
    let mut env = node.map(|node| node.env.clone()).unwrap_or_default();
    if tty && let Ok(term) = std::env::var("TERM") {
        env.insert("TERM".to_owned(), term);
    }
    Command {
        program: Program::Own(words),
        env,
        directory: None,
        terminal: tty.then(window_size),
        lifetime: Lifetime::Connection,
    }
}

/// Carries keys, output, signals and the window's size until the program ends.
async fn attend(
    mut process: Process,
    tty: bool,
    printer: Printer,
    interrupts: Interrupts,
) -> Result<Status, Failure> {
    let _raw = if tty { RawTerminal::enter() } else { None };
    let handle = process.handle();
    let input = tokio::spawn(carry_input(handle.clone()));
    let signals = tokio::spawn(carry_signals(handle, interrupts));
    let exit = loop {
        let read = match process.next().await? {
            ProcessEvent::Printed(Stream::Error, bytes) => printer.error_bytes(&bytes),
            ProcessEvent::Printed(_, bytes) => printer.bytes(&bytes),
            ProcessEvent::Exited(exit) => break exit,
        };
        if !read {
            // As the kernel does it to who writes where nobody reads; the program itself ends with
            // its connection. After an interruption this process says so instead.
            break Exit::Signal(SIGPIPE);
        }
    };
    input.abort();
    signals.abort();
    Ok(Status::Program(match exit {
        Exit::Code(code) => u8::try_from(code).unwrap_or(u8::MAX),
        // As shells do it: 128 and the signal's number.
        Exit::Signal(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
    }))
}

async fn carry_input(handle: ProcessHandle) -> Result<(), ControlError> {
    let mut stdin = tokio::io::stdin();
    let mut buffer = vec![0; 16 << 10];
    // A standard input that cannot be read has ended.
    while let Ok(length @ 1..) = stdin.read(&mut buffer).await {
        handle
            .write(buffer.get(..length).unwrap_or_default().to_vec())
            .await?;
    }
    handle.close_input().await
}

async fn carry_signals(handle: ProcessHandle, mut interrupts: Interrupts) -> io::Result<()> {
    let mut resized = signal(SignalKind::window_change())?;
    loop {
        let sent = tokio::select! {
            kind = interrupts.next() => handle.signal(kind.as_raw_value()).await,
            _ = resized.recv() => handle.resize(window_size()).await,
        };
        if let Err(error) = sent {
            tracing::debug!(%error, "the program has ended");
        }
    }
}

/// signal(7).
const SIGPIPE: i32 = 13;
