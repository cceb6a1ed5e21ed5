//! Translates the plan into a keeper's orders.

use std::collections::BTreeMap;

use protocol::keeper::{LabSpec, NodeSpec, PortSpec, SegmentSpec};
use protocol::link::Port;
use protocol::name::NodeName;

use crate::plan::{Plan, PlannedNode, Segment};

/// Returns the lab that the keeper of `plan` is to make.
pub(super) fn lab_spec(plan: &Plan, fail_at: Option<u32>) -> LabSpec {
    let numbers: BTreeMap<&NodeName, u32> = (0..)
        .zip(&plan.nodes)
        .map(|(number, node)| (&node.name, number))
        .collect();
    let here = std::env::current_dir().ok();
    LabSpec {
        lab: plan.lab.to_string(),
        nodes: plan.nodes.iter().map(node_spec).collect(),
        segments: plan
            .segments
            .iter()
            .map(|segment| segment_spec(segment, plan, &numbers))
            .collect(),
        hosts: plan.hosts.clone(),
        working_directory: here.and_then(|path| path.into_os_string().into_string().ok()),
        home: std::env::home_dir().and_then(|home| home.into_os_string().into_string().ok()),
        hidden: plan
            .hidden
            .iter()
            .filter_map(|path| Some(path.to_str()?.to_owned()))
            .collect(),
        fail_at,
    }
}

fn node_spec(node: &PlannedNode) -> NodeSpec {
    NodeSpec {
        settings: node.settings.clone(),
        file_targets: node.file_targets.clone(),
        binds: node.binds.clone(),
        limits: node.limits,
    }
}

fn segment_spec(segment: &Segment, plan: &Plan, numbers: &BTreeMap<&NodeName, u32>) -> SegmentSpec {
    let port = |port: &Port| {
        let node = *numbers.get(&port.node)?;
        let settings = &plan.nodes.get(node as usize)?.settings;
        let mut interfaces = settings.interfaces.iter();
        let interface = interfaces.find(|interface| interface.name == port.interface)?;
        Some(PortSpec {
            node,
            interface: port.interface.clone(),
            mac: interface.mac,
        })
    };
    SegmentSpec {
        name: segment.name.clone(),
        wire: segment.wire,
        ports: segment.ports.iter().filter_map(port).collect(),
    }
}
