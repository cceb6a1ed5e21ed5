//! One process from its arguments to its exit code.

use std::io::{self, Write};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Duration;

use clap::{CommandFactory, Parser};
use futures_util::FutureExt;
use nix::sys::resource::{Resource, getrlimit};
use tokio::runtime::Runtime;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::backend::WAITING;
use crate::backend::gns3::PendingCloses;
use crate::lab::reaper::{Reaper, Reaping};

use super::args::{Arguments, Global, LogFormat, Verb};
use super::blocking::apart;
use super::failure::{Failure, Status};
use super::interrupts::Interrupts;
use super::outlet::Outlet;
use super::printer::Printer;
use super::site::Site;
use super::{
    capture, check, clean, copy, doctor, down, environment, exec, export, fault, image, import,
    look, render, run,
};

/// Runs the verb that the process's arguments name.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            return usage(&error);
        }
    };
    let printer = Printer::new(&arguments.global);
    start_log(&arguments.global);
    let runtime = match start_runtime() {
        Ok(runtime) => runtime,
        Err(failure) => {
            printer.fail(&failure);
            return failure.status().into();
        }
    };
    let status = runtime.block_on(supervise(arguments, printer));
    // A thread that waits for a key on standard input must not hold the exit back.
    runtime.shutdown_background();
    status.into()
}

/// The runtime. Where it cannot have as many threads as it needs, it breaks off or waits without end,
/// also with what takes a lab away; so they are tried before anything is made, and the first that is
/// for what blocks stays.
fn start_runtime() -> Result<Runtime, Failure> {
    let lacking = |error: io::Error| {
        let remedy = "raise the limits of processes and open files, `ulimit -u` and `ulimit -n`";
        Failure::Lacking(format!("starting threads: {error}; {remedy}"))
    };
    let (_, files) = getrlimit(Resource::RLIMIT_NOFILE).map_err(|errno| lacking(errno.into()))?;
    if files < DESCRIPTORS {
        let text = format!("only {files} files may be open");
        return Err(lacking(io::Error::other(text)));
    }
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    try_threads(workers + THREADS).map_err(lacking)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .thread_keep_alive(Duration::MAX)
        .build()
        .map_err(lacking)?;
    drop(runtime.spawn_blocking(|| ()));
    Ok(runtime)
}

/// Starts so many threads at once, and ends them.
fn try_threads(count: usize) -> io::Result<()> {
    let gate = Mutex::new(());
    std::thread::scope(|scope| {
        let closed = gate.lock();
        let started = (0..count).try_for_each(|_| {
            let wait = || drop(gate.lock());
            std::thread::Builder::new()
                .spawn_scoped(scope, wait)
                .map(drop)
        });
        drop(closed);
        started
    })
}

/// The runtime's own, signals' and standard ones, and some for work.
const DESCRIPTORS: u64 = 40;

const TAKING_AWAY: &str = "interrupted; taking away what was made (once more: stop waiting)";

/// For what blocks, for the processes of a lab that are waited for, for signals and for the standard streams.
const THREADS: usize = 9;

/// Prints help, the version, or what is wrong with the arguments.
fn usage(message: &clap::Error) -> ExitCode {
    let code = u8::try_from(message.exit_code()).unwrap_or(Status::Input.code());
    let printed = message.print().and_then(|()| io::stdout().flush());
    match printed {
        // A reader that has gone has had all that it wanted.
        Err(error) if code == 0 && error.kind() != io::ErrorKind::BrokenPipe => {
            let failure = Failure::Error(format!("writing to standard output: {error}"));
            Printer::default().fail(&failure);
            failure.status().into()
        }
        // Where even the stream for mistakes is closed, the exit code still tells.
        _ => ExitCode::from(code),
    }
}

/// Runs the verb until it ends or is interrupted, then waits until nothing of a lab is left.
async fn supervise(arguments: Arguments, printer: Printer) -> Status {
    let listening = Interrupts::reach_outlets().and_then(|()| Interrupts::listen());
    let mut interrupts = match listening {
        Ok(interrupts) => interrupts,
        Err(failure) => {
            printer.fail(&failure);
            return failure.status();
        }
    };
    let (reaper, reaping) = Reaper::start();
    let pending_closes = PendingCloses::default();
    let own_signals = matches!(
        &arguments.verb,
        Verb::Exec(_) | Verb::Shell(_) | Verb::Capture(_)
    );
    let removes = matches!(&arguments.verb, Verb::Down(_) | Verb::Clean(_));
    // A panic unwinds through the verb, and its lab is handed to the reaper like any dropped one.
    let verb =
        AssertUnwindSafe(dispatch(arguments, printer, (reaper, &pending_closes))).catch_unwind();
    let ended = tokio::select! {
        ended = verb => Some(ended),
        _ = interrupts.next(), if !own_signals => None,
    };
    let mut status = match ended {
        Some(Ok(Ok(status))) => status,
        Some(Ok(Err(failure))) => {
            printer.fail(&failure);
            failure.status()
        }
        Some(Err(_)) => {
            printer.fail(&Failure::Error(
                "a defect of this program, told above".to_owned(),
            ));
            Status::Error
        }
        None => {
            printer.note(if removes {
                "interrupted; the next `orchestrator clean` or `down` goes on"
            } else {
                TAKING_AWAY
            });
            Status::Interrupted
        }
    };
    if printer.is_cut() && status != Status::Interrupted {
        // The signal by which it was cut off is not yet heard here.
        interrupts.next().await;
        printer.note("interrupted; not all that it printed was read");
        status = Status::Interrupted;
    }
    if let Some(failure) = printer.lost() {
        printer.fail(&failure);
        if status == Status::Passed {
            status = failure.status();
        }
    }
    let is_told = status == Status::Interrupted;
    let heard = (!own_signals).then_some(&mut interrupts);
    let left = reap(reaping, (heard, is_told), printer).await;
    pending_closes.finished().await;
    left.unwrap_or(status)
}

/// Waits until nothing of a lab is left. A signal ends that only where an earlier one was told of: one that came as the
/// verb ended is not a second one.
async fn reap(
    reaping: Reaping,
    (mut heard, mut is_told): (Option<&mut Interrupts>, bool),
    printer: Printer,
) -> Option<Status> {
    let mut left = pin!(reaping.drain());
    loop {
        let next = async {
            match &mut heard {
                Some(interrupts) => interrupts.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            left = &mut left => {
                let status = (!left.is_empty()).then_some(Status::Leftovers);
                for error in left {
                    printer.fail(&Failure::Lab(error));
                }
                return status;
            }
            _ = next => {
                if is_told {
                    printer.warn("stopped waiting; run `orchestrator clean` to remove what is left");
                    return Some(Status::Leftovers);
                }
                printer.note(TAKING_AWAY);
                is_told = true;
            }
        }
    }
}

async fn dispatch(
    arguments: Arguments,
    printer: Printer,
    (reaper, pending_closes): (Reaper, &PendingCloses),
) -> Result<Status, Failure> {
    let Arguments { verb, global } = arguments;
    let site = || {
        Site::open(
            environment::state_dir(global.state_dir),
            &global.gns3,
            pending_closes.clone(),
        )
    };
    match verb {
        Verb::Up(args) => run::up(args, printer, &site()?, reaper).await,
        Verb::Deploy(args) => run::deploy(args, printer, &site()?, reaper).await,
        Verb::Run(args) => run::run(args, printer, &site()?, reaper).await,
        Verb::Down(args) => down::down(args, printer, &site()?).await,
        Verb::Validate(args) => apart(move || check::validate(&args, printer)).await,
        Verb::Schema => check::schema(printer),
        Verb::Graph(args) => apart(move || check::graph(&args, printer)).await,
        Verb::Ps(args) => look::ps(args, printer, &site()?).await,
        Verb::Exec(args) => exec::exec(args, printer, &site()?).await,
        Verb::Shell(args) => exec::shell(args, printer, &site()?).await,
        Verb::Logs(args) => look::logs(args, printer, &site()?).await,
        Verb::Cp(args) => copy::cp(args, printer, &site()?).await,
        Verb::Capture(args) => capture::capture(args, printer, &site()?).await,
        Verb::Fault(args) => fault::fault(&args, printer, &site()?).await,
        Verb::Report(args) => apart(move || render::report(&args, printer)).await,
        Verb::Export(args) => apart(move || export::export(&args, printer)).await,
        Verb::Import(args) => apart(move || import::import(&args, printer)).await,
        Verb::Image(args) => image::image(args, printer).await,
        Verb::Doctor(args) => doctor::doctor(&args, printer, &site()?).await,
        Verb::Clean(args) => clean::clean(args, printer, &site()?).await,
        Verb::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(
                shell,
                &mut Arguments::command(),
                "orchestrator",
                &mut script,
            );
            // Where nobody reads it there is nothing left to do.
            let _ = printer.bytes(&script);
            Ok(Status::Passed)
        }
    }
}

fn start_log(global: &Global) {
    let least = |level| Targets::new().with_default(level);
    let filter = match (global.quiet, global.verbose) {
        (true, _) => least(LevelFilter::ERROR),
        (_, 0) => least(LevelFilter::WARN).with_target(WAITING, LevelFilter::INFO),
        (_, 1) => {
            let ours = [WAITING, "orchestrator"].map(|target| (target, LevelFilter::INFO));
            least(LevelFilter::WARN).with_targets(ours)
        }
        (_, 2) => least(LevelFilter::INFO).with_target("orchestrator", LevelFilter::DEBUG),
        _ => least(LevelFilter::TRACE),
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(|| Outlet::Error)
        .with_ansi(environment::colour(&io::stderr()));
    let log = tracing_subscriber::registry().with(filter);
    match global.log_format {
        LogFormat::Text => log.with(lines.without_time().with_target(false)).init(),
        LogFormat::Json => log.with(lines.json()).init(),
    }
}
