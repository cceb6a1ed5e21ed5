//! `matrix`: all cells of the labs' stress matrix with ours, in one lab, with the headers of every
//! frame captured at both nodes and every byte checked.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use orchestrator::backend::BackendKind;
use orchestrator::lab::Lab;
use protocol::stress::{Operation, Workers};

use crate::console::{note, result};
use crate::entrant::Entrant;
use crate::error::BenchError;
use crate::machine;
use crate::ours::Ours;
use crate::race::Limits;
use crate::table;

use super::cell::Cell;
use super::pair::{Make, Pair, Place, Turn};
use super::sniffer::Sniffer;

/// Runs it, once. Quick: only the cells of 10 MiB.
///
/// # Errors
/// If a client fails, or a byte is wrong.
pub async fn matrix(quick: bool, limits: &Limits) -> Result<(), BenchError> {
    result(&machine::congestion_control());
    let mut ours = Ours::new(BackendKind::Netns)?;
    let raised = ours.up(2).await;
    let ran = match (&raised, ours.lab()) {
        (Ok(()), Ok(lab)) => run(lab, quick, limits).await,
        _ => Ok(()),
    };
    ours.down().await?;
    ours.sweep().await?;
    raised?;
    ran
}

async fn run(lab: &Lab, quick: bool, limits: &Limits) -> Result<(), BenchError> {
    let place = Place::new(lab)?;
    let sniffers = Sniffer::begin_all(lab).await?;
    let begun = Instant::now();
    let mut shown = BTreeMap::new();
    let mut bytes = 0;
    for model in [Workers::Thread, Workers::Process] {
        let took = Instant::now();
        for cell in cells(quick) {
            limits.go_on()?;
            let pair = Pair {
                server: Make::Ours(model),
                clients: Make::Ours(model),
            };
            let turn = place.turn(pair, cell, false).await?;
            note(&format!("{model}: {cell}: {:.2} s", turn.all.as_secs_f64()));
            bytes += cell.all_bytes();
            let key = (cell.operation, cell.size, cell.clients, cell.workers);
            shown.entry(key).or_insert_with(Vec::new).push(turn);
        }
        note(&format!("{model}: {:.1} s", took.elapsed().as_secs_f64()));
    }
    let took = begun.elapsed();
    let seen = Sniffer::end_all(sniffers).await?;
    print(&shown);
    #[expect(clippy::cast_precision_loss, reason = "bytes for people")]
    let gigabytes = bytes as f64 / 1e9;
    let cells = shown.len() * 2;
    result(&format!(
        "\n{cells} cells, {gigabytes:.1} GB of files, all bytes checked, in {:.1} s; {} packets captured at \
         both nodes, {} dropped",
        took.as_secs_f64(),
        seen.packets,
        seen.dropped,
    ));
    let verdict = if took <= TARGET { "met" } else { "MISSED" };
    if !quick {
        result(&format!("target ≤ {} s: {verdict}", TARGET.as_secs()));
    }
    Ok(())
}

/// The labs' axes.
fn cells(quick: bool) -> Vec<Cell> {
    let sizes: &[u64] = if quick { &[10] } else { &[10, 50, 100] };
    let mut cells = Vec::new();
    for operation in Operation::ALL {
        for &size in sizes {
            for clients in [1, 5, 50] {
                for workers in [1, 5, 50] {
                    cells.push(Cell {
                        operation,
                        size,
                        clients,
                        workers,
                    });
                }
            }
        }
    }
    cells
}

type Key = (Operation, u64, u32, u32);

fn print(shown: &BTreeMap<Key, Vec<Turn>>) {
    let heading = [
        "operation",
        "MiB",
        "clients",
        "workers",
        "threads, s a client",
        "processes, s a client",
    ];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for ((operation, size, clients, workers), turns) in shown {
        let mut row = vec![operation.to_string()];
        row.extend([size.to_string(), clients.to_string(), workers.to_string()]);
        row.extend(
            turns
                .iter()
                .map(|turn| format!("{:.3}", turn.client.as_secs_f64())),
        );
        rows.push(row);
    }
    result("");
    table::print_rows(&rows);
}

const TARGET: Duration = Duration::from_mins(5);
