//! The settings of a node's network. The agent applies them inside its own network namespace, in the same way
//! on every backend.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::name::{InterfaceName, NodeName};

/// The confinement of a node's programs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sandbox {
    /// None: they have the rights of the node's agent, and on namespaces see what the lab's user sees.
    Off,
    /// As container engines confine programs.
    #[default]
    Default,
    /// The same; and of this machine they see the system's folders alone.
    Strict,
}

impl Sandbox {
    /// Returns whether it is the one that a node has unless its file says otherwise.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Everything a node must know of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSettings {
    /// Its host name.
    pub name: NodeName,
    /// Its interfaces, in the file's order.
    pub interfaces: Vec<InterfaceSettings>,
    /// Routes beyond the networks that it is on.
    pub routes: Vec<Route>,
    /// Whether it routes between its interfaces, IPv4 and IPv6.
    pub forward: bool,
    /// The confinement of its programs.
    #[serde(default, skip_serializing_if = "Sandbox::is_default")]
    pub sandbox: Sandbox,
    /// Names that resolve in it: the lab's nodes with all their addresses. Empty where they are told once for
    /// all nodes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<Host>,
}

/// One interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterfaceSettings {
    /// The name that it shall have.
    pub name: InterfaceName,
    /// The way the agent finds it before it has that name.
    pub found_by: FoundBy,
    /// The hardware address that it shall have.
    pub mac: MacAddress,
    /// Its addresses, with prefix length.
    pub addresses: Vec<IpNet>,
}

/// The way the agent tells which of its interfaces is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundBy {
    /// It has its final name already.
    Name,
    /// It is called this, by an engine that names in its own way.
    Called(InterfaceName),
    /// It carries this address, given by the engine that made it.
    Address(IpAddr),
    /// It is not there yet: the agent makes it as a tunnel (VXLAN, RFC 7348) over the interface that
    /// carries this address, where the host's firewall would change frames that lay open.
    Tunnel {
        /// The address of the interface below, given by the engine that made it.
        over: IpAddr,
        /// The tunnel's VXLAN network identifier, the same at all its ends.
        id: u32,
    },
}

/// A route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Where to.
    pub to: IpNet,
    /// Through which neighbour.
    pub via: IpAddr,
}

/// A line of `/etc/hosts`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// The node's name.
    pub name: NodeName,
    /// Its addresses, the first one first.
    pub addresses: Vec<IpAddr>,
}

/// An Ethernet hardware address (IEEE 802 MAC-48), unicast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MacAddress(pub [u8; 6]);

/// Why a text is not a MAC address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MacError {
    /// Not six pairs of hexadecimal digits.
    #[error(
        "`{0}` is not a MAC address: write six pairs of hexadecimal digits, as in 02:00:00:00:00:01"
    )]
    Form(String),
    /// A group address; no interface can have one (its first byte is odd), nor all zeroes.
    #[error(
        "`{0}` cannot be an interface's address: its first byte must be even, and not all zeroes"
    )]
    Group(String),
}

impl std::str::FromStr for MacAddress {
    type Err = MacError;

    fn from_str(text: &str) -> Result<Self, MacError> {
        let form = || MacError::Form(text.to_owned());
        let mut bytes = [0; 6];
        let mut parts = text.split([':', '-']);
        for byte in &mut bytes {
            let part = parts.next().filter(|p| p.len() == 2).ok_or_else(form)?;
            if !part.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(form());
            }
            *byte = u8::from_str_radix(part, 16).map_err(|_| form())?;
        }
        if parts.next().is_some() {
            return Err(form());
        }
        if bytes[0] & 1 == 1 || bytes == [0; 6] {
            return Err(MacError::Group(text.to_owned()));
        }
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for MacAddress {
    type Error = MacError;

    fn try_from(text: String) -> Result<Self, MacError> {
        text.parse()
    }
}

impl From<MacAddress> for String {
    fn from(mac: MacAddress) -> Self {
        mac.to_string()
    }
}

impl std::fmt::Display for MacAddress {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (place, byte) in self.0.iter().enumerate() {
            let separator = if place == 0 { "" } else { ":" };
            write!(out, "{separator}{byte:02x}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mac_address_is_read_as_it_is_written() {
        let mac: MacAddress = "32:39:f0:0c:49:79".parse().unwrap();
        assert_eq!(mac.to_string(), "32:39:f0:0c:49:79");
        for bad in [
            "",
            "1:2:3:4:5:6",
            "32:39:f0:0c:49",
            "32:39:f0:0c:49:79:00",
            "+2:39:f0:0c:49:79",
        ] {
            assert!(
                matches!(bad.parse::<MacAddress>(), Err(MacError::Form(_))),
                "{bad}"
            );
        }
        for group in [
            "ff:ff:ff:ff:ff:ff",
            "01:00:5e:00:00:01",
            "00:00:00:00:00:00",
        ] {
            assert!(
                matches!(group.parse::<MacAddress>(), Err(MacError::Group(_))),
                "{group}"
            );
        }
    }
}
