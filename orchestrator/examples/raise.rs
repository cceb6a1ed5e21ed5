//! How long raising a lab takes: until every node's agent has answered, and until all is gone again.
//!
//! `cargo run --release -p orchestrator --example raise -- [NODES…] [--times N]`

#![expect(clippy::print_stdout, reason = "its results are its output")]

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use orchestrator::backend::netns::NetnsBackend;
use orchestrator::backend::{Backend, BackendError, Ledger, Resource};
use orchestrator::control::Control;
use orchestrator::plan::position::Positions;
use orchestrator::plan::{LabId, LinkConditions, Plan, PlannedNode, Segment};
use protocol::link::Port;
use protocol::settings::{FoundBy, InterfaceSettings, MacAddress, NodeSettings};

type Anything = Box<dyn std::error::Error + Send + Sync>;

/// A ledger in memory.
#[derive(Debug, Default)]
struct Remembered(Mutex<Vec<Resource>>);

impl Ledger for Remembered {
    fn record(&self, resource: &Resource) -> Result<(), BackendError> {
        let mut resources = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        resources.push(resource.clone());
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Anything> {
    let mut sizes = Vec::new();
    let mut times = 11;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--times" {
            times = arguments.next().unwrap_or_default().parse()?;
        } else {
            sizes.push(argument.parse()?);
        }
    }
    if sizes.is_empty() {
        sizes = vec![3, 50, 200];
    }
    let folder = tempfile::tempdir()?;
    println!("nodes   made ms   ready ms (least to most)   gone ms");
    for nodes in sizes {
        let mut made = Vec::new();
        let mut ready = Vec::new();
        let mut gone = Vec::new();
        for time in 0..=times {
            let measured = raise(folder.path(), nodes, time).await?;
            // The first time, memory and code are cold.
            if time > 0 {
                made.push(measured[0]);
                ready.push(measured[1]);
                gone.push(measured[2]);
            }
        }
        for column in [&mut made, &mut ready, &mut gone] {
            column.sort();
        }
        let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
        println!(
            "{nodes:5} {:9.1} {:10.1} ({:.1} to {:.1}) {:12.1}",
            ms(made[made.len() / 2]),
            ms(ready[ready.len() / 2]),
            ms(ready[0]),
            ms(ready[ready.len() - 1]),
            ms(gone[gone.len() / 2]),
        );
    }
    Ok(())
}

async fn raise(folder: &Path, nodes: u8, instance: u32) -> Result<[Duration; 3], Anything> {
    let plan = plan(nodes, instance)?;
    let ledger = Arc::<Remembered>::default();
    let start = Instant::now();
    let binary = orchestrator::embedded::node_binary();
    let backend = NetnsBackend::new(folder.to_owned(), binary);
    backend.preflight(&plan).await?;
    let fabric = backend.raise(&plan, ledger.clone()).await?;
    let made = start.elapsed();
    let fabric = &fabric;
    let controls: Vec<Control> = stream::iter(&plan.nodes)
        .map(|node| async move {
            let stream = fabric.open(&node.name).await?;
            Ok::<_, Anything>(Control::greet(stream, node.name.clone()).await?)
        })
        .buffer_unordered(64)
        .try_collect()
        .await?;
    let ready = start.elapsed();
    drop(controls);
    let start = Instant::now();
    let resources = std::mem::take(&mut *ledger.0.lock().unwrap_or_else(PoisonError::into_inner));
    for resource in resources.iter().rev() {
        backend.remove(resource).await?;
    }
    Ok([made, ready, start.elapsed()])
}

/// One network with all nodes on it.
fn plan(nodes: u8, instance: u32) -> Result<Plan, Anything> {
    let mut segment = Segment {
        name: "lan".parse()?,
        wire: false,
        ports: Vec::new(),
    };
    let mut planned = Vec::new();
    for number in 1..=nodes {
        let name: protocol::name::NodeName = format!("node-{number}").parse()?;
        segment.ports.push(Port {
            node: name.clone(),
            interface: "eth0".parse()?,
        });
        let address = IpAddr::from(Ipv4Addr::new(10, 0, 0, number));
        let interface = InterfaceSettings {
            name: "eth0".parse()?,
            found_by: FoundBy::Name,
            mac: MacAddress([2, 0, 0, 0, 0, number]),
            addresses: vec![format!("{address}/24").parse()?],
        };
        planned.push(PlannedNode {
            compute: None,
            name: name.clone(),
            image: None,
            env: std::collections::BTreeMap::new(),
            memory: None,
            milli_cpus: None,
            pids: None,
            file_targets: Vec::new(),
            settings: NodeSettings {
                name,
                interfaces: vec![interface],
                routes: Vec::new(),
                forward: false,
                hosts: Vec::new(),
            },
        });
    }
    let lab = LabId {
        name: "speed".parse()?,
        instance,
    };
    Ok(Plan {
        lab,
        segments: vec![segment],
        links: LinkConditions::default(),
        nodes: planned,
        positions: Positions::default(),
        hosts: Vec::new(),
    })
}
