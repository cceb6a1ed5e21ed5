//! A server and its clients.

use std::time::Duration;

use orchestrator::control::Control;
use orchestrator::lab::Lab;
use protocol::role::RoleEvent;
use protocol::stress::{FileDigest, Operation, Workers};

use super::cell::Cell;
use super::memory::Meter;
use super::program::Program;
use crate::error::BenchError;

/// Whose programs, and what their workers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Make {
    Ours(Workers),
    Python(Workers),
}

/// A server in the first node, and its clients in the last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub(super) server: Make,
    pub(super) clients: Make,
}

/// What a turn came to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn {
    /// Mean time of a client.
    pub(super) client: Duration,
    /// Time of all together.
    pub(super) all: Duration,
    /// The most KiB that the server held at once, where that was looked at.
    pub(super) memory: Option<u64>,
}

/// The nodes of a lab, where the server's files are and where the clients' are.
#[derive(Debug)]
pub(super) struct Place<'a> {
    lab: String,
    server: &'a Control,
    clients: &'a Control,
    address: String,
}

impl<'a> Place<'a> {
    pub(super) fn new(lab: &'a Lab) -> Result<Self, BenchError> {
        let nodes = &lab.plan().nodes;
        let missing = || BenchError::Wrong("the lab has no two nodes".to_owned());
        let (first, last) = nodes.first().zip(nodes.last()).ok_or_else(missing)?;
        let control = |name| lab.node(name).ok_or_else(missing);
        let interface = first.settings.interfaces.first().ok_or_else(missing)?;
        let address = interface.addresses.first().ok_or_else(missing)?;
        Ok(Self {
            lab: lab.id().to_string(),
            server: control(&first.settings.name)?,
            clients: control(&last.settings.name)?,
            address: address.addr().to_string(),
        })
    }

    /// Does it once, and checks every byte where it came to lie. With `metered`, looks at the server's
    /// memory meanwhile, and the times are too long.
    pub(super) async fn turn(
        &self,
        pair: Pair,
        cell: Cell,
        metered: bool,
    ) -> Result<Turn, BenchError> {
        let expected = self.fill(self.server, SERVED, cell).await?;
        let server = self.serve(pair.server, cell).await?;
        let meter = metered.then(|| Meter::begin(&self.lab)).transpose()?;
        let (times, stored) = match pair.clients {
            Make::Ours(model) => self.stress(model, cell).await?,
            Make::Python(model) => {
                let made = self.fill(self.clients, OWN, cell).await?;
                self.python_clients(model, cell, &made).await?
            }
        };
        let memory = meter.map(Meter::end).transpose()?;
        if cell.operation == Operation::Upload {
            self.compare(stored).await?;
        } else if stored.iter().any(|digest| digest.blake3 != expected.blake3) {
            return Err(BenchError::Wrong(
                "a download is not what was served".to_owned(),
            ));
        }
        end(server, pair.server, cell).await?;
        Ok(Turn { memory, ..times })
    }

    async fn fill(
        &self,
        node: &Control,
        folder: &str,
        cell: Cell,
    ) -> Result<FileDigest, BenchError> {
        let size = cell.bytes().to_string();
        let words = ["fill", "--directory", folder, "--size", &size, FILE];
        let events = Program::role(node, &words).await?.events().await?;
        match events.into_iter().next() {
            Some(RoleEvent::Digest(digest)) => Ok(digest),
            _ => Err(BenchError::Wrong("no file was made".to_owned())),
        }
    }

    async fn serve(&self, make: Make, cell: Cell) -> Result<Program, BenchError> {
        let workers = cell.workers.to_string();
        let mut server = match make {
            Make::Ours(model) => {
                let words = ["serve", "--port", PORT, "--directory", SERVED, "--model"];
                let words = [&words[..], &[model.word(), "--workers", &workers]].concat();
                Program::role(self.server, &words).await?
            }
            Make::Python(model) => {
                let words = [PORT, &workers, model.word(), SERVED];
                Program::python(self.server, SERVER_SCRIPT, &words).await?
            }
        };
        while let Some(line) = server.line().await? {
            if line.contains("ready") || line.starts_with("listening") {
                return Ok(server);
            }
        }
        server.ended_well()?;
        Err(BenchError::Wrong("the server ended".to_owned()))
    }

    /// Has our clients do it; their digests are of what they sent or received.
    async fn stress(
        &self,
        model: Workers,
        cell: Cell,
    ) -> Result<(Turn, Vec<FileDigest>), BenchError> {
        let server = format!("{}:{PORT}", self.address);
        let (size, workers) = (cell.bytes().to_string(), cell.clients.to_string());
        let words = [
            "stress",
            "--server",
            &server,
            "--operation",
            cell.operation.word(),
        ];
        let more = [
            "--size",
            &size,
            "--model",
            model.word(),
            "--workers",
            &workers,
        ];
        let clients = Program::role(self.clients, &[&words[..], &more].concat()).await?;
        let (mut turn, mut digests) = (None, Vec::new());
        for event in clients.events().await? {
            match event {
                RoleEvent::Client(client) => digests.push(FileDigest {
                    name: client.name,
                    bytes: client.bytes,
                    blake3: client.blake3,
                }),
                RoleEvent::Stressed(record) if record.failed > 0 => {
                    return Err(BenchError::Wrong(format!("{:?}", record.reasons)));
                }
                RoleEvent::Stressed(record) => {
                    turn = Some(times(record.times.mean, record.seconds));
                }
                _ => {}
            }
        }
        let turn = turn.ok_or_else(|| BenchError::Wrong("the clients ended".to_owned()))?;
        Ok((turn, digests))
    }

    async fn python_clients(
        &self,
        model: Workers,
        cell: Cell,
        made: &FileDigest,
    ) -> Result<(Turn, Vec<FileDigest>), BenchError> {
        let (clients, file) = (cell.clients.to_string(), format!("{OWN}/{FILE}"));
        let address = self.address.as_str();
        let words = [
            address,
            PORT,
            cell.operation.word(),
            model.word(),
            &clients,
            &file,
        ];
        let mut program = Program::python(self.clients, CLIENT_SCRIPT, &words).await?;
        let Some(line) = program.line().await? else {
            program.ended_well()?;
            return Err(BenchError::Wrong("the clients ended".to_owned()));
        };
        let said: serde_json::Value =
            serde_json::from_str(&line).map_err(|error| BenchError::Wrong(error.to_string()))?;
        let seconds = said["seconds"].as_array().map_or(&[][..], Vec::as_slice);
        let seconds: Vec<f64> = seconds
            .iter()
            .filter_map(serde_json::Value::as_f64)
            .collect();
        if seconds.len() != cell.clients as usize {
            return Err(BenchError::Wrong(said["failures"].to_string()));
        }
        let mean = seconds.iter().sum::<f64>() / f64::from(cell.clients);
        // What they received they have compared themselves.
        let stored = (0..cell.clients).map(|number| match cell.operation {
            Operation::Upload => Ok(FileDigest {
                name: format!("{number}-{FILE}").parse()?,
                ..made.clone()
            }),
            Operation::Download => Ok(made.clone()),
        });
        let stored: Result<_, protocol::name::NameError> = stored.collect();
        let stored = stored.map_err(|error| BenchError::Wrong(error.to_string()))?;
        Ok((
            times(mean, said["total"].as_f64().unwrap_or_default()),
            stored,
        ))
    }

    /// Compares what was sent with what lies at the server.
    async fn compare(&self, mut sent: Vec<FileDigest>) -> Result<(), BenchError> {
        let names: Vec<&str> = sent.iter().map(|digest| digest.name.as_str()).collect();
        let words = [&["digest", "--directory", SERVED], &names[..]].concat();
        let events = Program::role(self.server, &words).await?.events().await?;
        let digest = |event| match event {
            RoleEvent::Digest(digest) => Some(digest),
            _ => None,
        };
        let mut found: Vec<FileDigest> = events.into_iter().filter_map(digest).collect();
        found.sort_by(|one, other| one.name.cmp(&other.name));
        sent.sort_by(|one, other| one.name.cmp(&other.name));
        if found == sent {
            return Ok(());
        }
        Err(BenchError::Wrong(
            "what was stored is not what was sent".to_owned(),
        ))
    }
}

/// Ends a server. Ours must have served everything with every worker alive.
async fn end(mut server: Program, make: Make, cell: Cell) -> Result<(), BenchError> {
    if let Make::Python(_) = make {
        // It knows no end but this.
        server.signal(SIGINT).await?;
        while server.line().await?.is_some() {}
        return Ok(());
    }
    server.signal(SIGTERM).await?;
    let mut served = false;
    for event in server.events().await? {
        if let RoleEvent::Served(record) = event {
            let clients = u64::from(cell.clients);
            served = record.workers_ok == cell.workers
                && record.workers_failed == 0
                && record.connections_ok == clients
                && record.requests_ok == clients;
        }
    }
    if served {
        return Ok(());
    }
    Err(BenchError::Wrong(
        "the server tells of something else".to_owned(),
    ))
}

fn times(client: f64, all: f64) -> Turn {
    Turn {
        client: Duration::from_secs_f64(client),
        all: Duration::from_secs_f64(all),
        memory: None,
    }
}

/// In memory: nodes have a `/dev/shm` each.
const SERVED: &str = "/dev/shm/served";
const OWN: &str = "/dev/shm/own";
const FILE: &str = "stress.bin";
const PORT: &str = "45000";

/// signal(7).
const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;

const SERVER_SCRIPT: &str = include_str!("../../../topologies/inputs/file-server.py");
const CLIENT_SCRIPT: &str = include_str!("../../../topologies/inputs/file-client.py");
