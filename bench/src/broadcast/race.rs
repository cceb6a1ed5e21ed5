//! `broadcast`: a file from one node to many, by our protocol, by TCP copies, udpcast and uftp.
//! `lossy`: ours over a narrow link that loses some, beside what such a link can pass.

use std::path::{Path, PathBuf};

use crate::console::{note, result};
use crate::error::BenchError;
use crate::machine;
use crate::peers::{self, Peer};
use crate::race::{Limits, Series};
use crate::table::{self, Caption, Target};

use super::lab::Lab;

/// What is given to whom over which link.
struct Cell {
    receivers: u16,
    /// 0: as fast as it goes.
    mbit: u32,
    /// Percent.
    loss: u32,
    bytes: u64,
    target: Option<Target>,
    /// Ours is always first.
    peers: &'static [&'static str],
    quick: bool,
}

/// Runs the cells with peers, on open links but for one.
///
/// # Errors
/// If the lab cannot be made, or Ctrl-C.
pub async fn race(quick: bool, limits: &Limits) -> Result<(), BenchError> {
    run(&against_peers(), quick, limits).await
}

/// Runs the cells on a narrow link that loses some.
///
/// # Errors
/// As [`race`].
pub async fn lossy(quick: bool, limits: &Limits) -> Result<(), BenchError> {
    let cells = [1, 5, 20, 30].into_iter().flat_map(|loss| {
        let to = [2, 4, 16].into_iter();
        to.map(move |receivers| narrow(receivers, loss))
    });
    run(&cells.collect::<Vec<_>>(), quick, limits).await
}

/// Runs cells. Every copy is compared byte for byte; every entrant has one turn in each cell that
/// does not count.
async fn run(cells: &[Cell], quick: bool, limits: &Limits) -> Result<(), BenchError> {
    result(&machine::congestion_control());
    result(
        "Files are in memory. Ours: from the sender's start to the last receiver's proof, all processes",
    );
    result(
        "running; TCP: from the start of all senders to the end of the last receiver; others: of the sender.",
    );
    let node = node(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))?;
    let missing: Vec<&str> = PEERS
        .iter()
        .filter(|(_, peer)| peers::installed(peer).is_none())
        .map(|(name, _)| *name)
        .collect();
    let mut lab = Lab::new(&node)?;
    for cell in cells.iter().filter(|cell| cell.quick || !quick) {
        let order = format!("lab {} {} {}", cell.receivers, cell.mbit, cell.loss);
        lab.order(&order).await?;
        lab.order(&format!("file {}", cell.bytes)).await?;
        let peers = cell.peers.iter().filter(|peer| !missing.contains(peer));
        let mut series: Vec<Series> = std::iter::once(&"ours")
            .chain(peers)
            .map(|name| Series::new(name))
            .collect();
        let rounds = if quick { 3 } else { 5 };
        for round in 0..=rounds {
            for shown in &mut series {
                limits.go_on()?;
                turn(&mut lab, shown, round > 0).await;
            }
        }
        show(cell, &series);
    }
    Ok(())
}

async fn turn(lab: &mut Lab, shown: &mut Series, counts: bool) {
    if shown.failure.is_some() {
        return;
    }
    match lab.run(&shown.name).await {
        Ok(time) if counts => shown.up.add(time),
        Ok(_) => {}
        Err(error) => {
            note(&format!("{}: {error}", shown.name));
            shown.failure = Some(error.to_string());
        }
    }
}

fn show(cell: &Cell, series: &[Series]) {
    let link = match cell.mbit {
        0 => "an open link".to_owned(),
        mbit => format!("{mbit} Mbit/s"),
    };
    let title = format!(
        "{} kB to {} receivers over {link}, {} % lost",
        cell.bytes / 1000,
        cell.receivers,
        cell.loss
    );
    let caption = Caption {
        title: &title,
        columns: ("time", None),
        target: cell.target,
    };
    table::print(&caption, series);
    if let (Some(median), 1..) = (series.first().and_then(|ours| ours.up.median()), cell.mbit) {
        result(&format!(
            "Ours: {:.1} % of what the link can pass",
            share(cell, median)
        ));
    }
}

/// Goodput as a share of the link's: a datagram of 1 514 bytes carries 1 456, and what is lost is lost.
fn share(cell: &Cell, milliseconds: f64) -> f64 {
    let payload = f64::from(cell.mbit) * 1e6 / 8.0 * 1456.0 / 1514.0;
    let limit = payload * (1.0 - f64::from(cell.loss) / 100.0);
    #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
    let bytes = cell.bytes as f64;
    bytes / (milliseconds / 1e3) / limit * 100.0
}

/// Over a link that is as fast as this machine.
fn open(receivers: u16, bytes: u64, target: Target, peers: &'static [&'static str]) -> Cell {
    Cell {
        receivers,
        mbit: 0,
        loss: 0,
        bytes,
        target: Some(target),
        peers,
        quick: bytes <= 10_000_000,
    }
}

/// Over a link of 100 Mbit/s that loses so many percent: 95 % of what it can pass.
fn narrow(receivers: u16, loss: u32) -> Cell {
    let mut cell = Cell {
        mbit: 100,
        loss,
        quick: loss == 20 && receivers != 4,
        ..open(receivers, 50_000_000, Target::Milliseconds(0.0), &[])
    };
    // Twice the time is half the share.
    cell.target = Some(Target::Milliseconds(share(&cell, 1.0) / 95.0));
    cell
}

fn against_peers() -> Vec<Cell> {
    vec![
        open(2, 1_000, Target::Milliseconds(5.0), &ALL),
        open(2, 10_000_000, Target::Milliseconds(30.0), &ALL),
        open(
            2,
            100_000_000,
            Target::Milliseconds(200.0),
            &["tcp", "bare", "bare-gro", "udpcast", "uftp"],
        ),
        open(
            16,
            100_000_000,
            Target::TimesOf(1.0 / 1.2, "tcp"),
            &["tcp", "bare", "bare-gro"],
        ),
        Cell {
            loss: 20,
            ..open(2, 10_000_000, Target::Milliseconds(100.0), &["tcp", "uftp"])
        },
        Cell {
            mbit: 100,
            quick: false,
            ..open(16, 10_000_000, Target::TimesOf(1.0 / 12.0, "tcp"), &["tcp"])
        },
    ]
}

/// The release binary of the node, built if need be.
fn node(root: &Path) -> Result<PathBuf, BenchError> {
    let building = BenchError::system("building the node");
    note("building the node, if need be");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = std::process::Command::new(cargo)
        .args(["build", "--quiet", "--release", "--bin", "node"])
        .current_dir(root)
        .status()
        .map_err(&building)?;
    if !status.success() {
        return Err(BenchError::Wrong(format!("building the node: {status}")));
    }
    // It lies beside this program.
    let here = std::env::current_exe().map_err(&building)?;
    Ok(here.with_file_name("node"))
}

const ALL: [&str; 3] = ["tcp", "udpcast", "uftp"];
const PEERS: [(&str, Peer); 3] = [
    (
        "tcp",
        Peer {
            name: "socat",
            needs: &["socat"],
            package: "socat",
            install: "apt-get install socat",
        },
    ),
    (
        "udpcast",
        Peer {
            name: "udpcast",
            needs: &["udp-sender", "udp-receiver"],
            package: "udpcast",
            install: "apt-get install udpcast",
        },
    ),
    (
        "uftp",
        Peer {
            name: "uftp",
            needs: &["uftp", "uftpd"],
            package: "uftp",
            install: "apt-get install uftp",
        },
    ),
];
