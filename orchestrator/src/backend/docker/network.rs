//! Segments as the engine's networks.

use std::collections::{BTreeMap, HashMap};
use std::net::Ipv4Addr;
use std::sync::{Mutex, PoisonError};

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{Ipam, IpamConfig, NetworkCreateRequest};
use futures_util::future::try_join_all;
use protocol::link::Port;

use crate::backend::{BackendError, BackendErrorKind, BackendKind, Ledger, Resource};
use crate::plan::{Plan, Segment};

use super::engine::soon;
use super::error::{at, lacking, status};
use super::pool::{Pool, Share};
use super::{mark, pool, translation};
use crate::backend::pending_request::PendingRequests;

/// Where a port is plugged in, in the engine's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// The engine's network.
    pub(super) network: String,
    /// The address that the engine gives the interface, by which the node tells it from its others.
    pub(super) address: Ipv4Addr,
    /// The identifier of the tunnel that goes over the interface, where one is needed.
    pub(super) tunnel: Option<u32>,
}

/// The networks of a lab.
#[derive(Debug)]
pub(super) struct Made {
    /// The end of each port on the engine.
    pub(super) endpoints: BTreeMap<Port, Endpoint>,
    /// The bridges on the engine's machine.
    pub(super) bridges: Vec<String>,
}

/// Makes networks.
#[derive(Debug)]
pub(super) struct Networks<'a> {
    docker: &'a Docker,
    pending_requests: &'a PendingRequests,
    plan: &'a Plan,
    labels: &'a HashMap<String, String>,
    pool: Mutex<Pool>,
    /// The engine's network on whose account this lab's segments are tunnels.
    tunnelled_for: Option<String>,
}

impl<'a> Networks<'a> {
    /// Looks for addresses that nothing uses: no network of the engine, nor a route of this machine
    /// where the engine is `local`.
    pub(super) async fn survey(
        docker: &'a Docker,
        pending_requests: &'a PendingRequests,
        plan: &'a Plan,
        labels: &'a HashMap<String, String>,
        local: bool,
    ) -> Result<Self, BackendError> {
        let listed = soon(docker.list_networks(None)).await;
        let listed = listed.map_err(at("listing the engine's networks"))?;
        let clash = translation::clash(&listed, plan);
        let mut used: Vec<_> = listed.iter().flat_map(translation::subnets).collect();
        if local {
            used.extend(pool::routed_here());
        }
        Ok(Self {
            docker,
            pending_requests,
            plan,
            labels,
            pool: Mutex::new(Pool::new(used, plan.lab.instance)),
            tunnelled_for: clash.filter(|_| translation::reaches_bridges(local)),
        })
    }

    /// Returns warnings for a reader of the results.
    pub(super) fn warnings(&self) -> Vec<String> {
        let warning = |network| {
            format!(
                "the engine's network {network} has addresses of this lab and translates them: \
                 frames go through tunnels (VXLAN), out of its reach"
            )
        };
        self.tunnelled_for.iter().map(warning).collect()
    }

    /// Makes a network for each segment, all at once, and plans each port's endpoint.
    pub(super) async fn make_all(&self, ledger: &dyn Ledger) -> Result<Made, BackendError> {
        let segments = &self.plan.segments;
        let made = segments.iter().map(|segment| self.make(segment, ledger));
        let (shares, bridges): (Vec<_>, _) = try_join_all(made).await?.into_iter().unzip();
        let segments = segments.iter().zip(shares).zip(1..);
        let ports = segments.flat_map(|((segment, share), number)| {
            let network = mark::network_name(&self.plan.lab, &segment.name);
            let tunnel = self.tunnelled_for.as_ref().map(|_| number);
            segment.ports.iter().enumerate().map(move |(place, port)| {
                let endpoint = Endpoint {
                    network: network.clone(),
                    address: share.address(place),
                    tunnel,
                };
                (port.clone(), endpoint)
            })
        });
        Ok(Made {
            endpoints: ports.collect(),
            bridges,
        })
    }

    /// Makes one network; returns its addresses and its bridge. Another process may take the same addresses
    /// after we looked: then others are tried.
    async fn make(
        &self,
        segment: &Segment,
        ledger: &dyn Ledger,
    ) -> Result<(Share, String), BackendError> {
        let name = mark::network_name(&self.plan.lab, &segment.name);
        let action = format!("making network {}", segment.name);
        ledger.record(&Resource::ContainerNetwork(name.clone()))?;
        loop {
            let share = self.take(segment.ports.len()).ok_or_else(|| {
                lacking(
                    "the engine's networks leave no free addresses in 198.18.0.0/15",
                    "remove networks that nobody uses (`docker network prune`)",
                    &action,
                )
            })?;
            let request = self.request(name.clone(), share);
            let docker = self.docker.clone();
            let made = self
                .pending_requests
                .run(async move { soon(docker.create_network(request)).await });
            match made.await {
                Some(Ok(network)) => return Ok((share, bridge(&network.id))),
                Some(Err(error)) if is_taken(&error) => {}
                Some(Err(error)) if status(&error) == Some(409) => {
                    let there = BackendErrorKind::Conflict(Resource::ContainerNetwork(name));
                    return Err(there.at(BackendKind::Docker, action));
                }
                Some(Err(error)) => return Err(at(action)(error)),
                None => return Err(at(action)(Error::RequestTimeoutError)),
            }
        }
    }

    fn take(&self, ports: usize) -> Option<Share> {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        pool.take(ports)
    }

    /// Not `internal`: that drops limited broadcasts and whatever a node routes. The bridge has no address of
    /// its own, nothing is masqueraded, and [`super::seclusion`] does the rest.
    fn request(&self, name: String, share: Share) -> NetworkCreateRequest {
        let mut options = vec![
            (translation::MASQUERADE, "false"),
            ("com.docker.network.bridge.inhibit_ipv4", "true"),
        ];
        if self.tunnelled_for.is_some() {
            options.push(("com.docker.network.driver.mtu", TUNNEL_MTU));
        }
        let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        NetworkCreateRequest {
            name,
            driver: Some("bridge".to_owned()),
            ipam: Some(Ipam {
                config: Some(vec![IpamConfig {
                    subnet: Some(share.subnet().to_string()),
                    gateway: Some(share.gateway().to_string()),
                    ..IpamConfig::default()
                }]),
                ..Ipam::default()
            }),
            options: Some(options.into_iter().map(owned).collect()),
            labels: Some(self.labels.clone()),
            ..NetworkCreateRequest::default()
        }
    }
}

/// The name that the engine gives to a network's bridge.
fn bridge(network: &str) -> String {
    format!("br-{}", network.get(..12).unwrap_or(network))
}

/// Docker and Podman have no code of their own for this, only words.
fn is_taken(error: &Error) -> bool {
    let text = error.to_string();
    ["overlap", "already used"].iter().any(|w| text.contains(w))
}

/// Room for a whole Ethernet segment's packets inside a tunnel's (RFC 7348 §4.3).
const TUNNEL_MTU: &str = "1600";
