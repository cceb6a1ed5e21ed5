//! Whether the engine's own firewall would change a lab's packets.
//!
//! Where a network masquerades, its rule is `-s SUBNET ! -o ITS-BRIDGE -j MASQUERADE`, and where the
//! kernel hands bridged packets to that firewall too (`net.bridge.bridge-nf-call-iptables`), it also
//! meets packets of a lab with the same addresses on a bridge of its own.

use std::fs;

use bollard::models::Network;
use ipnet::{IpNet, Ipv4Net};

use crate::plan::Plan;

use super::pool::overlap;

/// The first network that translates addresses that are the lab's too.
pub(super) fn clash(networks: &[Network], plan: &Plan) -> Option<String> {
    let interfaces = plan.nodes.iter().flat_map(|node| &node.settings.interfaces);
    let ours: Vec<Ipv4Net> = interfaces
        .flat_map(|interface| &interface.addresses)
        .filter_map(|address| match address {
            IpNet::V4(v4) => Some(v4.trunc()),
            IpNet::V6(_) => None,
        })
        .collect();
    let clashes = |network: &&Network| {
        subnets(network).any(|theirs| ours.iter().any(|&one| overlap(one, theirs)))
    };
    let mut translating = networks.iter().filter(|network| masquerades(network));
    translating.find(clashes)?.name.clone()
}

/// Whether the engine's kernel hands bridged packets to its firewall. That of a remote engine may.
pub(super) fn reaches_bridges(local: bool) -> bool {
    let setting = fs::read_to_string("/proc/sys/net/bridge/bridge-nf-call-iptables");
    !local || setting.is_ok_and(|value| value.trim_end() != "0")
}

/// A network's IPv4 subnets.
pub(super) fn subnets(network: &Network) -> impl Iterator<Item = Ipv4Net> {
    let configs = network.ipam.iter().flat_map(|ipam| ipam.config.iter());
    configs
        .flatten()
        .filter_map(|config| config.subnet.as_ref()?.parse().ok())
}

/// A bridge network does unless it was told not to.
fn masquerades(network: &Network) -> bool {
    let option = network.options.as_ref().and_then(|o| o.get(MASQUERADE));
    network.driver.as_deref() == Some("bridge")
        && network.internal != Some(true)
        && option.is_none_or(|value| value != "false")
}

/// The option of a bridge network that turns masquerading on and off.
pub(super) const MASQUERADE: &str = "com.docker.network.bridge.enable_ip_masquerade";
