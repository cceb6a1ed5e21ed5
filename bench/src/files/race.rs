//! `files`: every pair of server and clients in turn, cell by cell.

use std::time::Duration;

use orchestrator::backend::BackendKind;
use protocol::stress::{Operation, Workers};

use crate::console::{note, result};
use crate::entrant::Entrant;
use crate::error::BenchError;
use crate::machine;
use crate::ours::Ours;
use crate::peers::{self, Peer};
use crate::race::Limits;
use crate::sample::Sample;
use crate::table;

use super::cell::Cell;
use super::pair::{Make, Pair, Place, Turn};

/// Runs it.
///
/// # Errors
/// If ours fails, or a byte is wrong.
pub async fn race(quick: bool, limits: &Limits) -> Result<(), BenchError> {
    result(&machine::congestion_control());
    let pairs = pairs();
    let mut ours = Ours::new(BackendKind::Netns)?;
    let raised = ours.up(2).await;
    let raced = match (&raised, ours.lab()) {
        (Ok(()), Ok(lab)) => run(&Place::new(lab)?, &pairs, quick, limits).await,
        _ => Ok(()),
    };
    ours.down().await?;
    ours.sweep().await?;
    raised?;
    raced
}

async fn run(
    place: &Place<'_>,
    pairs: &[(String, Pair)],
    quick: bool,
    limits: &Limits,
) -> Result<(), BenchError> {
    for course in COURSES {
        let rounds = if quick { course.quick } else { course.rounds };
        if rounds == 0 {
            continue;
        }
        let mut shown: Vec<Shown> = pairs
            .iter()
            .filter(|(_, pair)| course.peers || matches!(pair.server, Make::Ours(_)))
            .map(|(name, pair)| Shown::new(name, *pair))
            .collect();
        for round in 0..=rounds {
            // Each round begins with another one, so that none always follows the same one.
            for turn in 0..shown.len() {
                limits.go_on()?;
                let number = (round + turn) % shown.len();
                let one = &mut shown[number];
                if one.failure.is_some() {
                    continue;
                }
                // The first time, memory and code are cold: it is not timed.
                let first = round == 0;
                match place.turn(one.pair, course.cell, first).await {
                    Ok(turn) if first => one.memory = turn.memory,
                    Ok(turn) => one.add(turn),
                    Err(error) => {
                        note(&format!("{}: {error}", one.name));
                        one.failure = Some(error.to_string());
                    }
                }
            }
        }
        print(&course, &shown);
        if let Some(failure) = shown.first().and_then(|ours| ours.failure.clone()) {
            return Err(BenchError::Wrong(failure));
        }
    }
    Ok(())
}

/// Ours and, where there is Python, its own; and our clients with its server, which shows who limits.
fn pairs() -> Vec<(String, Pair)> {
    let pair = |server, clients| Pair { server, clients };
    let mut pairs: Vec<_> = Workers::ALL
        .into_iter()
        .map(|model| {
            (
                format!("ours, {model}"),
                pair(Make::Ours(model), Make::Ours(model)),
            )
        })
        .collect();
    if let Some(version) = peers::installed(&PYTHON) {
        for model in [Workers::Thread, Workers::Process] {
            let (ours, python) = (Make::Ours(model), Make::Python(model));
            pairs.push((format!("Python {version}, {model}"), pair(python, python)));
            pairs.push((
                format!("– its server, our clients, {model}"),
                pair(python, ours),
            ));
        }
    }
    pairs
}

/// What one pair has shown.
#[derive(Debug)]
struct Shown {
    name: String,
    pair: Pair,
    client: Sample,
    all: Sample,
    memory: Option<u64>,
    failure: Option<String>,
}

impl Shown {
    fn new(name: &str, pair: Pair) -> Self {
        Self {
            name: name.to_owned(),
            pair,
            client: Sample::default(),
            all: Sample::default(),
            memory: None,
            failure: None,
        }
    }

    fn add(&mut self, turn: Turn) {
        self.client.add(turn.client);
        self.all.add(turn.all);
    }

    /// Bytes of files a second, of all clients together, at the median.
    #[expect(clippy::cast_precision_loss, reason = "bytes for a rate")]
    fn throughput(&self, cell: Cell) -> Option<f64> {
        Some(cell.all_bytes() as f64 / (self.all.median()? / 1e3))
    }

    fn row(&self, cell: Cell, ours: &Self) -> Vec<String> {
        let dash = || "–".to_owned();
        let ratio = |own: f64| {
            ours.client
                .median()
                .map(|ours| format!("{:.2}", own / ours))
        };
        let megabytes = |bytes: f64| format!("{:.0}", bytes / 1e6);
        vec![
            self.name.clone(),
            self.client.to_string(),
            self.client.median().and_then(ratio).unwrap_or_else(dash),
            self.throughput(cell).map_or_else(dash, megabytes),
            self.memory
                .map_or_else(dash, |kibibytes| format!("{}", kibibytes / 1024)),
        ]
    }
}

fn print(course: &Course, shown: &[Shown]) {
    let Some(ours) = shown.first() else {
        return;
    };
    let count = ours.client.count();
    result(&format!("\n### {}, {count} repetitions\n", course.cell));
    let heading = [
        "",
        "client, ms (least–most)",
        "× ours",
        "all, MB/s",
        "server, MiB",
    ];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(shown.iter().map(|one| one.row(course.cell, ours)));
    table::print_rows(&rows);
    let best = shown
        .iter()
        .filter(|one| matches!(one.pair.server, Make::Ours(_)));
    for one in best {
        if let Some(verdict) = course.target.verdict(one, course.cell) {
            result(&format!("\n{}: {verdict}", one.name));
        }
    }
    for one in shown {
        if let Some(failure) = &one.failure {
            result(&format!("\n{} gave up: {failure}", one.name));
        }
    }
}

/// What ours shall reach at the median, under every model.
#[derive(Debug, Clone, Copy)]
enum Target {
    /// A client's time.
    Client(Duration),
    /// All clients' time, and the server's memory in MiB.
    All(Duration, u64),
    /// All clients' bytes a second.
    Throughput(f64),
}

impl Target {
    fn verdict(self, shown: &Shown, cell: Cell) -> Option<String> {
        let word = |met| if met { "met" } else { "MISSED" };
        Some(match self {
            Self::Client(limit) => {
                let (limit, reached) = (limit.as_secs_f64() * 1e3, shown.client.median()?);
                format!(
                    "target ≤ {limit} ms: {}, {reached:.1}",
                    word(reached <= limit)
                )
            }
            Self::All(limit, memory) => {
                let (limit, reached) = (limit.as_secs_f64(), shown.all.median()? / 1e3);
                let held = shown.memory? / 1024;
                let met = reached <= limit && held < memory;
                let target = format!("target ≤ {limit} s and < {memory} MiB");
                format!("{target}: {}, {reached:.2} s and {held} MiB", word(met))
            }
            Self::Throughput(least) => {
                let reached = shown.throughput(cell)? / 1e6;
                let least = least / 1e6;
                format!(
                    "target ≥ {least} MB/s: {}, {reached:.0}",
                    word(reached >= least)
                )
            }
        })
    }
}

#[derive(Debug, Clone, Copy)]
struct Course {
    cell: Cell,
    rounds: usize,
    quick: usize,
    /// Whether peers can do it in this race's time and this machine's memory.
    peers: bool,
    target: Target,
}

const fn course(operation: Operation, size: u64, clients: u32, workers: u32) -> Cell {
    Cell {
        operation,
        size,
        clients,
        workers,
    }
}

const COURSES: [Course; 6] = [
    Course {
        cell: course(Operation::Download, 10, 1, 1),
        rounds: 21,
        quick: 3,
        peers: true,
        target: Target::Client(Duration::from_millis(15)),
    },
    Course {
        cell: course(Operation::Upload, 10, 1, 1),
        rounds: 21,
        quick: 3,
        peers: true,
        target: Target::Client(Duration::from_millis(20)),
    },
    Course {
        cell: course(Operation::Download, 50, 5, 5),
        rounds: 7,
        quick: 1,
        peers: true,
        target: Target::Throughput(1e9),
    },
    Course {
        cell: course(Operation::Upload, 50, 5, 5),
        rounds: 7,
        quick: 1,
        peers: true,
        target: Target::Throughput(1e9),
    },
    Course {
        cell: course(Operation::Download, 100, 50, 50),
        rounds: 3,
        quick: 0,
        peers: false,
        target: Target::All(Duration::from_secs(12), 100),
    },
    Course {
        cell: course(Operation::Upload, 100, 50, 50),
        rounds: 3,
        quick: 0,
        peers: false,
        target: Target::All(Duration::from_secs(12), 100),
    },
];

const PYTHON: Peer = Peer {
    name: "Python",
    needs: &["/usr/bin/python3"],
    package: "python3",
    install: "apt-get install python3",
};
