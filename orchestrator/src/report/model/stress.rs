//! The figures of clients that put a file server under stress.

use std::collections::BTreeMap;

use protocol::stress::Times;
use serde::{Deserialize, Serialize};

/// The figures of the clients of a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StressReport {
    /// `upload` or `download`.
    pub operation: String,
    /// The length of each file, in bytes.
    pub size: u64,
    /// The number of clients, all at once.
    pub client_workers: u32,
    /// The number of connections the server served at once; none where its program does not say.
    pub server_workers: Option<u32>,
    /// The kind of client: `thread`, `process`, `async`.
    pub client_model: String,
    /// The kind of worker in the server; none where its program does not say.
    pub server_model: Option<String>,
    /// Seconds a client, of those that did it.
    pub times: Times,
    /// Seconds from the moment they were let go until the last had ended.
    pub seconds: f64,
    /// Mean of the bytes a second of each client that did it.
    pub client_bytes_per_s: f64,
    /// Bytes moved by those that did it, by the seconds of all.
    pub all_bytes_per_s: f64,
    /// Bytes whose hash was found equal where they were received.
    pub verified_bytes: u64,
    /// Clients that did it, each byte verified.
    pub clients_ok: u32,
    /// Those that did not.
    pub clients_failed: u32,
    /// Why not, each reason with its count.
    pub reasons: BTreeMap<String, u32>,
    /// Workers of the server that lived to the end, where it tells.
    pub server_workers_ok: Option<u32>,
    /// Workers of the server that died, where it tells.
    pub server_workers_failed: Option<u32>,
    /// Bytes that a client read from or wrote to its connection at once.
    pub buffer: u64,
    /// The published figures for the same setting.
    #[serde(default)]
    pub published: Option<PublishedFigures>,
}

/// The figures that others have published for a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublishedFigures {
    /// The line of their table.
    pub row: u32,
    /// Mean seconds a client.
    pub seconds: f64,
    /// Bytes a second a client, where they say.
    pub bytes_per_s: Option<f64>,
    /// Clients that succeeded, where they say.
    pub clients_ok: Option<u32>,
    /// Clients that failed, where they say.
    pub clients_failed: Option<u32>,
}

/// The cells of a scenario as the table that the original labs made, and what it tells.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StressSummary {
    /// A row for each combination, whatever the number of its repetitions.
    pub rows: Vec<StressRow>,
    /// Answers to the labs' questions, a sentence each.
    pub answers: Vec<String>,
}

/// A row: first the labs' columns in their order, then what else is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StressRow {
    /// The cell's number in the matrix, from 1.
    pub no: usize,
    /// `upload` or `download`.
    pub operation: String,
    /// Megabytes of 2^20 bytes, as in the labs' tables.
    pub size_mb: f64,
    /// Clients at once.
    pub client_workers: u32,
    /// Connections served at once.
    pub server_workers: Option<u32>,
    /// Mean seconds a client.
    pub avg_time_s: f64,
    /// Mean bytes a second of a client.
    pub throughput_bytes_per_s: f64,
    /// Clients that did it, in all runs.
    pub client_success: u32,
    /// Clients that did not, in all runs.
    pub client_fail: u32,
    /// The kind of worker in the server.
    pub server_model: Option<String>,
    /// The kind of client.
    pub client_model: String,
    /// The number of runs.
    pub runs: usize,
    /// Half the 95 % confidence interval of the mean time, where it was run more than once.
    pub avg_time_ci95_s: Option<f64>,
    /// The same of the throughput.
    pub throughput_ci95_bytes_per_s: Option<f64>,
    /// Half of the clients took at most so long.
    pub p50_s: f64,
    /// Nine of ten.
    pub p90_s: f64,
    /// Of a hundred, 99.
    pub p99_s: f64,
    /// The slowest.
    pub max_s: f64,
    /// Bytes a second of all clients together.
    pub all_bytes_per_s: f64,
    /// Workers of the server that lived to the end, in all runs.
    pub server_workers_ok: Option<u32>,
    /// Workers of the server that died, in all runs.
    pub server_workers_failed: Option<u32>,
    /// The published figures.
    pub published: Option<PublishedFigures>,
    /// The mean time here by the published one.
    pub ratio: Option<f64>,
}
