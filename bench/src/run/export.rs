//! `export`: the whole process `orchestrator export gns3` of 200 nodes on one network.

use std::path::Path;

use crate::entrant::Entrant;
use crate::error::BenchError;
use crate::ours::folder_in_memory;
use crate::race::{self, Heat, Limits};
use crate::table::{self, Caption, Target};

use super::race::orchestrator;
use super::whole::Whole;

/// Runs it. No peer writes GNS3's projects.
///
/// # Errors
/// If ours fails.
pub async fn export(quick: bool, limits: &Limits) -> Result<(), BenchError> {
    let folder = folder_in_memory()?;
    let ours = orchestrator(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))?;
    let file = folder.path().join("lab.toml");
    tokio::fs::write(&file, LAB)
        .await
        .map_err(BenchError::system("writing the topology"))?;
    let words = [ours.display().to_string(), file.display().to_string()];
    let [ours, file] = &words;
    let command = [ours, "export", "gns3", file, "--output", "lab.gns3"];
    let mut entrants: Vec<Box<dyn Entrant>> = vec![Box::new(Whole::new(
        "orchestrator export gns3, 200 nodes".to_owned(),
        &command,
        folder.path(),
    ))];
    let rounds = if quick { 5 } else { 21 };
    let series = race::run(&mut entrants, Heat { nodes: 200, rounds }, limits).await?;
    let caption = Caption {
        title: "export gns3 of 200 nodes, the whole process",
        columns: ("time", None),
        target: Some(Target::Milliseconds(50.0)),
    };
    table::print(&caption, &series);
    Ok(())
}

const LAB: &str = "name = \"many\"\nnetwork.lan.subnet = \"10.0.0.0/16\"\n\
                   [node.n]\ncount = 200\nnetworks = [\"lan\"]\n";
