//! The machines that a server has, its computes, and which node goes where.

use std::collections::{BTreeMap, BTreeSet};

use protocol::name::NodeName;
use serde::Deserialize;

use crate::backend::{BackendError, BackendErrorKind, BackendKind};
use crate::gns3::container::IMAGE;
use crate::gns3::document::LOCAL;
use crate::plan::{Plan, Segment};

use super::error::{ServerError, at};
use super::server::Server;

/// A machine that a server has.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Compute {
    /// The server's name for it: `local` is the server's own.
    pub compute_id: String,
    /// The name that people use.
    #[serde(default)]
    pub name: Option<String>,
    /// Whether the server has spoken with it. It does so when it needs it first.
    #[serde(default)]
    pub connected: bool,
    /// Why that failed.
    #[serde(default)]
    pub last_error: Option<String>,
}

/// `GET /computes/ID/docker/images`, an entry.
#[derive(Debug, Deserialize)]
struct ImageAnswer {
    image: String,
}

impl Compute {
    /// Returns the name that people use.
    pub fn title(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.compute_id)
    }

    /// The images in its Docker engine.
    ///
    /// # Errors
    /// The server's.
    pub async fn images(&self, server: &Server) -> Result<BTreeSet<String>, ServerError> {
        let path = format!("computes/{}/docker/images", self.compute_id);
        let images: Vec<ImageAnswer> = server.get(&path).await?;
        Ok(images.into_iter().map(|answer| answer.image).collect())
    }
}

/// All of a server's machines. A server 3.x does not list itself.
///
/// # Errors
/// The server's.
pub async fn computes(server: &Server) -> Result<Vec<Compute>, ServerError> {
    let mut found: Vec<Compute> = server.get("computes").await?;
    if !found.iter().any(|compute| compute.compute_id == LOCAL) {
        let local = Compute {
            compute_id: LOCAL.to_owned(),
            name: None,
            connected: true,
            last_error: None,
        };
        found.insert(0, local);
    }
    Ok(found)
}

/// Which node goes to which compute.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Placement {
    nodes: BTreeMap<NodeName, String>,
}

impl Placement {
    /// Where the topology says so, there; the others so that all have alike many.
    ///
    /// # Errors
    /// Names the node whose compute the server does not have.
    pub(super) fn of(plan: &Plan, computes: &[Compute]) -> Result<Self, BackendError> {
        let mut placed = Self::default();
        let mut load: BTreeMap<&str, usize> = BTreeMap::new();
        for compute in computes {
            load.insert(&compute.compute_id, 0);
        }
        let (wishes, others): (Vec<_>, Vec<_>) =
            plan.nodes.iter().partition(|node| node.compute.is_some());
        for node in wishes {
            let wish = node.compute.as_deref().unwrap_or_default();
            let is_meant =
                |compute: &&Compute| compute.compute_id == wish || compute.title() == wish;
            let Some(compute) = computes.iter().find(is_meant) else {
                return Err(unknown(&node.settings.name, wish, computes));
            };
            placed.put(&node.settings.name, &compute.compute_id, &mut load);
        }
        for node in others {
            let idlest = load.iter().min_by_key(|(_, count)| **count);
            let idlest = idlest.map_or(LOCAL, |(compute, _)| compute).to_owned();
            placed.put(&node.settings.name, &idlest, &mut load);
        }
        Ok(placed)
    }

    fn put(&mut self, node: &NodeName, compute: &str, load: &mut BTreeMap<&str, usize>) {
        self.nodes.insert(node.clone(), compute.to_owned());
        if let Some(count) = load.get_mut(compute) {
            *count += 1;
        }
    }

    /// A node's compute.
    pub(super) fn node(&self, node: &NodeName) -> &str {
        self.nodes.get(node).map_or(LOCAL, String::as_str)
    }

    /// A switch's: where most of what is plugged in is; the server's own machine before others that have as
    /// much, for what is captured at switches elsewhere cannot be read to its end.
    pub(super) fn switch(&self, segment: &Segment) -> &str {
        let mut load: BTreeMap<&str, usize> = BTreeMap::new();
        for port in &segment.ports {
            *load.entry(self.node(&port.node)).or_default() += 1;
        }
        let most = load
            .iter()
            .max_by_key(|(compute, count)| (**count, **compute == LOCAL));
        most.map_or(LOCAL, |(compute, _)| compute)
    }

    /// The images that each compute needs.
    pub(super) fn images<'a>(&'a self, plan: &'a Plan) -> BTreeMap<&'a str, BTreeSet<String>> {
        let mut needed: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for node in &plan.nodes {
            let image = node.image.as_deref().unwrap_or(IMAGE);
            let of = needed.entry(self.node(&node.settings.name)).or_default();
            of.insert(tagged(image));
        }
        needed
    }
}

/// Makes sure that each compute has the images of its nodes: GNS3 would look for them when the nodes
/// are made, and leave half a project.
///
/// # Errors
/// Names the image and the compute.
pub(super) async fn check_images(
    server: &Server,
    plan: &Plan,
    (placement, computes): (&Placement, &[Compute]),
) -> Result<(), BackendError> {
    for (id, needed) in placement.images(plan) {
        let Some(compute) = computes.iter().find(|compute| compute.compute_id == id) else {
            continue;
        };
        let action = format!("looking for images on compute {}", compute.title());
        let there = compute.images(server).await.map_err(at(&action))?;
        if let Some(missing) = needed.iter().find(|image| !there.contains(*image)) {
            let kind = BackendErrorKind::Lacking {
                missing: format!("compute {} has no image {missing}", compute.title()),
                remedy: remedy(missing),
            };
            return Err(kind.at(BackendKind::Gns3, action));
        }
    }
    Ok(())
}

fn remedy(image: &str) -> String {
    if image == IMAGE {
        return "`orchestrator image -o FILE` writes it; on that machine: docker load -i FILE"
            .to_owned();
    }
    format!("on that machine: docker pull {image}")
}

/// An image's name as an engine lists it.
fn tagged(image: &str) -> String {
    let name = image.rsplit('/').next().unwrap_or(image);
    if name.contains(':') || image.contains('@') {
        return image.to_owned();
    }
    format!("{image}:latest")
}

fn unknown(node: &NodeName, wish: &str, computes: &[Compute]) -> BackendError {
    let there: Vec<&str> = computes.iter().map(Compute::title).collect();
    BackendErrorKind::Lacking {
        missing: format!("node {node} is to run on compute {wish}, which the server does not have"),
        remedy: format!("it has {}", there.join(", ")),
    }
    .at(BackendKind::Gns3, "placing nodes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::link::Port;

    #[test]
    fn images_are_called_as_an_engine_lists_them() {
        for (written, listed) in [
            ("alpine", "alpine:latest"),
            ("alpine:3", "alpine:3"),
            ("host:5000/x/alpine", "host:5000/x/alpine:latest"),
            ("alpine@sha256:00", "alpine@sha256:00"),
        ] {
            assert_eq!(tagged(written), listed);
        }
    }

    #[test]
    fn a_switch_is_on_the_servers_own_machine_where_others_have_no_more() {
        let port = |node: &str| Port {
            node: node.parse().unwrap(),
            interface: "eth0".parse().unwrap(),
        };
        let segment = Segment {
            name: "lan".parse().unwrap(),
            wire: false,
            ports: vec![port("a"), port("b")],
        };
        for other in ["0f", "other"] {
            let nodes = [("a", other), ("b", LOCAL)];
            let nodes = nodes.map(|(node, compute)| (node.parse().unwrap(), compute.to_owned()));
            let placement = Placement {
                nodes: nodes.into(),
            };
            assert_eq!(placement.switch(&segment), LOCAL);
        }
    }
}
