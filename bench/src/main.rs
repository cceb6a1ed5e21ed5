//! The `bench` command.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use bench::error::BenchError;
use bench::race::Limits;
use bench::{broadcast, console, docker, files, machine, raise, run};

/// Races against the peers: ours and theirs alternately in one run, with the results checked.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Arguments {
    /// What is raced.
    race: Race,
    /// Few repetitions: under a minute instead of up to ten.
    #[arg(long)]
    quick: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Race {
    /// Nodes on one network, in namespaces, until each is ready.
    Raise,
    /// The same in containers.
    Docker,
    /// The whole of `orchestrator run`, from start to exit.
    Run,
    /// The whole of `orchestrator export gns3`, of 200 nodes.
    Export,
    /// A file from one node to many.
    Broadcast,
    /// The same over a narrow link that loses some, beside what the link can pass.
    Lossy,
    /// The labs' file server and its clients.
    Files,
    /// The labs' stress matrix, all 108 cells, with ours.
    Matrix,
}

/// The labs that are raised here run this very program as their node.
fn main() -> ExitCode {
    if node::cli::is_called() {
        node::cli::run()
    } else {
        race()
    }
}

#[tokio::main]
async fn race() -> ExitCode {
    let arguments = Arguments::parse();
    console::result(&machine::describe());
    match run_race(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(BenchError::Interrupted) => ExitCode::from(130),
        Err(error) => {
            console::note(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

async fn run_race(arguments: &Arguments) -> Result<(), BenchError> {
    let quick = arguments.quick;
    let limits = Limits::new(if quick { QUICK_LIMIT } else { LIMIT })?;
    match arguments.race {
        Race::Raise => raise::race(quick, &limits).await,
        Race::Docker => docker::race(quick, &limits).await,
        Race::Run => run::race(quick, &limits).await,
        Race::Export => run::export(quick, &limits).await,
        Race::Broadcast => broadcast::race(quick, &limits).await,
        Race::Lossy => broadcast::lossy(quick, &limits).await,
        Race::Files => files::race(quick, &limits).await,
        Race::Matrix => files::matrix(quick, &limits).await,
    }
}

/// No further round begins that would probably end later than this.
const LIMIT: Duration = Duration::from_secs(570);
const QUICK_LIMIT: Duration = Duration::from_secs(50);
