//! One process from its arguments to its exit code.

use std::io;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use futures_util::FutureExt;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::lab::{Reaper, StateDir};

use super::args::{Arguments, Global, LogFormat, Verb};
use super::console::Console;
use super::failure::{Failure, Status};
use super::{capture, check, clean, copy, doctor, down, environment, exec, look, render, run};

/// Runs the verb that the process's arguments name.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = u8::try_from(error.exit_code()).unwrap_or(Status::Input.code());
            // Where even the stream for it is closed, the exit code still tells.
            drop(error.print());
            return ExitCode::from(code);
        }
    };
    let console = Console::new(&arguments.global);
    start_log(&arguments.global);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            let failure = Failure::Lacking(format!("starting the runtime: {error}"));
            console.fail(&failure);
            return failure.status().into();
        }
    };
    let status = runtime.block_on(supervise(arguments, console));
    // A thread that waits for a key on standard input must not hold the exit back.
    runtime.shutdown_background();
    status.into()
}

/// Runs the verb until it ends or is interrupted, then waits until nothing of a lab is left.
async fn supervise(arguments: Arguments, console: Console) -> Status {
    let mut interrupts = match Interrupts::listen() {
        Ok(interrupts) => interrupts,
        Err(error) => {
            console.fail(&Failure::Lacking(format!("listening for signals: {error}")));
            return Status::Lacking;
        }
    };
    let (reaper, reaping) = Reaper::start();
    let own_signals = matches!(
        &arguments.verb,
        Verb::Exec(_) | Verb::Shell(_) | Verb::Capture(_)
    );
    // A panic unwinds through the verb, and its lab is handed to the reaper like any dropped one.
    let verb = AssertUnwindSafe(dispatch(arguments, console, reaper)).catch_unwind();
    let ended = tokio::select! {
        ended = verb => Some(ended),
        () = interrupts.next(), if !own_signals => None,
    };
    let mut status = match ended {
        Some(Ok(Ok(status))) => status,
        Some(Ok(Err(failure))) => {
            console.fail(&failure);
            failure.status()
        }
        Some(Err(_)) => {
            console.fail(&Failure::Error(
                "a defect of this program, told above".to_owned(),
            ));
            Status::Error
        }
        None => {
            console.note("interrupted; taking away what was made (once more: stop waiting)");
            Status::Interrupted
        }
    };
    if let Some(failure) = console.lost() {
        console.fail(&failure);
        if status == Status::Passed {
            status = failure.status();
        }
    }
    tokio::select! {
        left = reaping.drain() => for error in left {
            console.fail(&Failure::Lab(error));
            status = Status::Leftovers;
        },
        () = interrupts.next(), if !own_signals => {
            console.warn("stopped waiting; run `orchestrator clean` to remove what is left");
            status = Status::Leftovers;
        }
    }
    status
}

async fn dispatch(
    arguments: Arguments,
    console: Console,
    reaper: Reaper,
) -> Result<Status, Failure> {
    let Arguments { verb, global } = arguments;
    let state = || StateDir::open(environment::state_dir(global.state_dir)).map_err(Failure::from);
    match verb {
        Verb::Up(args) => run::up(args, console, &state()?, reaper).await,
        Verb::Deploy(args) => run::deploy(args, console, &state()?, reaper).await,
        Verb::Run(args) => run::run(args, console, &state()?, reaper).await,
        Verb::Down(args) => down::down(args, console, &state()?).await,
        Verb::Validate(args) => check::validate(&args, console),
        Verb::Schema => check::schema(console),
        Verb::Graph(args) => check::graph(&args, console),
        Verb::Ps(args) => look::ps(args, console, &state()?).await,
        Verb::Exec(args) => exec::exec(args, console, &state()?).await,
        Verb::Shell(args) => exec::shell(args, console, &state()?).await,
        Verb::Logs(args) => look::logs(args, console, &state()?).await,
        Verb::Cp(args) => copy::cp(args, console, &state()?).await,
        Verb::Capture(args) => capture::capture(args, console, &state()?).await,
        Verb::Report(args) => render::report(&args, console),
        Verb::Doctor => doctor::doctor(console, &state()?).await,
        Verb::Clean(args) => clean::clean(args, console, &state()?).await,
        Verb::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(
                shell,
                &mut Arguments::command(),
                "orchestrator",
                &mut script,
            );
            // Where nobody reads it there is nothing left to do.
            let _ = console.bytes(&script);
            Ok(Status::Passed)
        }
    }
}

/// Ctrl-C, SIGTERM, and SIGHUP where the terminal is gone: all take the same path.
struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
    /// `None` where it is ignored, as under `nohup`.
    hangup: Option<Signal>,
}

impl Interrupts {
    fn listen() -> io::Result<Self> {
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self {
            interrupt,
            terminate: signal(SignalKind::terminate())?,
            hangup: listens_to_hangup()
                .then(|| signal(SignalKind::hangup()))
                .transpose()?,
        })
    }

    async fn next(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hangup => {}
        }
    }
}

/// Whether the hangup of a terminal is to end this process, which `nohup` says it is not.
fn listens_to_hangup() -> bool {
    let hangup = SignalKind::hangup().as_raw_value();
    !plumbing::process::ignores(hangup).unwrap_or(false)
}

fn start_log(global: &Global) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => "error",
        (_, 0) => "warn",
        (_, 1) => "orchestrator=info,warn",
        (_, 2) => "orchestrator=debug,info",
        _ => "trace",
    };
    let log = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(level))
        .with_writer(io::stderr)
        .with_ansi(environment::colour(&io::stderr()));
    match global.log_format {
        LogFormat::Text => log.without_time().with_target(false).init(),
        LogFormat::Json => log.json().init(),
    }
}
