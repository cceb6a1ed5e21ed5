//! Messages about a lab, beside its verdict.

use crate::lab::RaiseTimings;
use crate::plan::Plan;
use crate::topology::model::Topology;

/// `raised     16 ms   alpine-1 192.168.122.5 · …`, the first eight nodes.
pub fn raised(plan: &Plan, timings: RaiseTimings) -> String {
    let node = |node: &crate::plan::PlannedNode| {
        let address = node
            .settings
            .interfaces
            .iter()
            .flat_map(|i| &i.addresses)
            .next();
        let address = address
            .map(|net| format!(" {}", net.addr()))
            .unwrap_or_default();
        format!("{}{address}", node.name)
    };
    let mut nodes: Vec<String> = plan.nodes.iter().take(SHOWN).map(node).collect();
    if plan.nodes.len() > SHOWN {
        nodes.push(format!("{} more", plan.nodes.len() - SHOWN));
    }
    let time = format!("{:.0} ms", timings.ready.as_secs_f64() * 1e3);
    format!("raised {time:>9}   {}", nodes.join(" · "))
}

/// Returns hints for a lab that was left up.
pub fn next_steps(topology: &Topology) -> String {
    let lab = &topology.name;
    match topology.nodes.first() {
        Some(node) => {
            format!(
                "lab is up: `orchestrator shell {}`, `orchestrator down {lab}`",
                node.name
            )
        }
        None => format!("lab is up: `orchestrator down {lab}`"),
    }
}

const SHOWN: usize = 8;
