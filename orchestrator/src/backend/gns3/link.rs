//! The links of a project: which one an interface is on, and what they do to packets.

use std::collections::BTreeMap;

use protocol::link::Port;
use protocol::name::NodeName;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::backend::{BackendError, BackendErrorKind, BackendKind};
use crate::gns3::filter::Filters;
use crate::plan::LinkConditions;

use super::condition::filters;
use super::error::{ServerError, at};
use super::project_builder::Place;
use super::server::{Dialect, Server};

/// The links of a project, as the server has them.
#[derive(Debug)]
pub(super) struct Links {
    project: Uuid,
    links: Vec<LinkAnswer>,
}

/// `GET /projects/ID/links`, an entry.
#[derive(Debug, Deserialize)]
pub(super) struct LinkAnswer {
    pub(super) link_id: Uuid,
    nodes: Vec<EndAnswer>,
    /// Its filters. Servers write values there that they take in other forms.
    #[serde(default)]
    filters: serde_json::Value,
    /// Whether it passes nothing.
    #[serde(default)]
    suspend: bool,
    #[serde(default)]
    capturing: bool,
}

#[derive(Debug, Deserialize)]
struct EndAnswer {
    node_id: Uuid,
    adapter_number: u32,
}

impl Links {
    /// Asks the server.
    pub(super) async fn of(server: &Server, project: Uuid) -> Result<Self, BackendError> {
        let path = format!("projects/{project}/links");
        let links = server.get(&path).await.map_err(at("listing links"))?;
        Ok(Self { project, links })
    }

    /// Returns the number of links.
    pub(super) fn len(&self) -> usize {
        self.links.len()
    }

    /// The one that an interface is on.
    pub(super) fn at(&self, place: &Place, interface: &str) -> Option<&LinkAnswer> {
        let adapter = place.adapters.get(interface)?;
        self.links.iter().find(|link| {
            let mut ends = link.nodes.iter();
            ends.any(|end| end.node_id == place.id && end.adapter_number == *adapter)
        })
    }

    /// The address of one on its server.
    pub(super) fn path(&self, link: &LinkAnswer) -> String {
        format!("projects/{}/links/{}", self.project, link.link_id)
    }

    /// Gives each link the filters that come nearest to its conditions, and names those that have any or are
    /// down. All links are found before the first is changed.
    pub(super) async fn set_conditions(
        &self,
        server: &Server,
        conditions: &LinkConditions,
        places: &BTreeMap<NodeName, Place>,
    ) -> Result<Vec<String>, BackendError> {
        let planned = conditions.links().into_iter();
        let found = planned.map(|planned| Ok((planned, self.of_port(places, &planned.near.port)?)));
        let found: Vec<_> = found.collect::<Result<_, BackendError>>()?;
        let mut bad = Vec::new();
        for (planned, link) in found {
            let (wanted, _) = filters(planned);
            if wanted != Filters::default() {
                let by = "each way, by its GNS3 link filter";
                bad.push(format!("{planned}: {wanted}, {by}"));
            }
            if link.suspend {
                let port = &planned.near.port;
                let mend = format!("`orchestrator fault up {port}` ends that");
                bad.push(format!("{planned}: down, it passes nothing; {mend}"));
            }
            if link.has(&wanted) {
                continue;
            }
            let action = format!("impairing {planned}");
            let path = self.path(link);
            let order = json!({ "filters": wanted });
            server.put(&path, &order).await.map_err(at(&action))?;
            if wanted == Filters::default() {
                self.tell_nodes(server, link).await.map_err(at(action))?;
            }
        }
        Ok(bad)
    }

    /// Takes a link down, or up again, for both of its ends.
    pub(super) async fn suspend(
        &self,
        server: &Server,
        (link, port): (&LinkAnswer, &Port),
        down: bool,
    ) -> Result<(), BackendError> {
        let state = if down { "down" } else { "up" };
        let action = || {
            format!(
                "taking the link of {}:{} {state}",
                port.node, port.interface
            )
        };
        let order = json!({ "suspend": down });
        let path = self.path(link);
        server.put(&path, &order).await.map_err(at(action()))?;
        if down {
            return Ok(());
        }
        self.tell_nodes(server, link).await.map_err(at(action()))
    }

    /// Has running nodes hear that a link does nothing to packets any more: 3.0 does not tell them that
    /// filters are gone or that a suspended link goes on (gns3-server #2532). What it is told instead ends a
    /// capture, and the server would go on to call the link captured on, and refuse every later one.
    async fn tell_nodes(&self, server: &Server, link: &LinkAnswer) -> Result<(), ServerError> {
        if server.dialect() == Dialect::Two {
            return Ok(());
        }
        let path = self.path(link);
        if link.capturing {
            server.order(&format!("{path}/capture/stop")).await?;
        }
        server.order(&format!("{path}/reset")).await
    }

    pub(super) fn of_port(
        &self,
        places: &BTreeMap<NodeName, Place>,
        port: &Port,
    ) -> Result<&LinkAnswer, BackendError> {
        let place = places.get(&port.node);
        let link = place.and_then(|place| self.at(place, port.interface.as_str()));
        link.ok_or_else(|| {
            let kind = BackendErrorKind::Node {
                node: port.node.to_string(),
                reason: format!("the server has no link at its {}", port.interface),
            };
            kind.at(BackendKind::Gns3, "looking for a link")
        })
    }
}

impl LinkAnswer {
    /// Whether it has these filters already.
    fn has(&self, wanted: &Filters) -> bool {
        let own = serde_json::from_value::<Option<Filters>>(self.filters.clone());
        own.is_ok_and(|own| own.unwrap_or_default() == *wanted)
    }
}
