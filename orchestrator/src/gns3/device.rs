//! The types of a project's nodes that have a counterpart here, with the properties that only they have.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::document::Node;

/// The type of a node, with its properties.
#[derive(Debug, Clone, PartialEq)]
pub enum Device {
    /// A container.
    Docker(Box<Docker>),
    /// A switch of Dynamips.
    Switch(Switch),
    /// A hub of Dynamips.
    Hub(Switch),
    /// A way out of the lab, to an interface of the host.
    Cloud,
    /// A way out of the lab, through the host's addresses.
    Nat,
    /// GNS3's virtual PC.
    Vpcs(Vpcs),
    /// Something without a counterpart.
    Other,
}

/// A Docker node (`schemas/docker.py` of 2.2, which allows no other keys).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Docker {
    /// The image.
    pub image: String,
    /// The number of adapters, 99 at most.
    pub adapters: Option<u32>,
    /// The command of the container, quoted for a shell.
    pub start_command: Option<String>,
    /// Its variables, `NAME=VALUE`, a line each.
    pub environment: Option<String>,
    /// Names that resolve in it, `NAME:ADDRESS`, a line each.
    pub extra_hosts: Option<String>,
    /// Folders that outlive the container.
    pub extra_volumes: Vec<String>,
    /// Columns and lines of a graphical console.
    pub console_resolution: String,
    /// The port of a console that is a web page.
    pub console_http_port: u16,
    /// The path of a console that is a web page.
    pub console_http_path: String,
    /// Usage instructions that GNS3 shows.
    pub usage: String,
}

/// A switch or hub.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switch {
    /// Its ports.
    #[serde(default)]
    pub ports_mapping: Vec<SwitchPort>,
}

/// A port of a switch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwitchPort {
    /// Its name.
    pub name: String,
    /// Its number.
    pub port_number: u32,
    /// `access`, `dot1q` or `qinq`; hubs have none.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its VLAN; hubs have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vlan: Option<u32>,
}

/// A virtual PC.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Vpcs {
    /// The script it runs at its start; 2.0 had it in the project, later versions in a file.
    pub startup_script: Option<String>,
}

impl Device {
    /// Returns the type of a node.
    ///
    /// # Errors
    /// Where its properties are not those of its type.
    pub fn of(node: &Node) -> Result<Self, serde_json::Error> {
        let properties = || Value::Object(node.properties.clone());
        Ok(match node.node_type.as_str() {
            DOCKER => Self::Docker(serde_json::from_value(properties())?),
            SWITCH => Self::Switch(serde_json::from_value(properties())?),
            HUB => Self::Hub(serde_json::from_value(properties())?),
            VPCS => Self::Vpcs(serde_json::from_value(properties())?),
            "cloud" => Self::Cloud,
            "nat" => Self::Nat,
            _ => Self::Other,
        })
    }
}

/// Properties as a project holds them.
pub fn properties(of: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(of) {
        Ok(Value::Object(map)) => map,
        // Structures have objects as their form.
        _ => Map::new(),
    }
}

impl Switch {
    /// One with so many access ports on VLAN 1, as GNS3 makes them.
    pub fn with_ports(count: u32) -> Self {
        let port = |number| SwitchPort {
            name: format!("Ethernet{number}"),
            port_number: number,
            kind: Some("access".to_owned()),
            vlan: Some(1),
        };
        Self {
            ports_mapping: (0..count).map(port).collect(),
        }
    }

    /// The name of a port.
    pub fn port(&self, number: u32) -> Option<&SwitchPort> {
        let mut ports = self.ports_mapping.iter();
        ports.find(|port| port.port_number == number)
    }
}

impl Default for Docker {
    fn default() -> Self {
        Self {
            image: String::new(),
            adapters: Some(1),
            start_command: None,
            environment: None,
            extra_hosts: None,
            extra_volumes: Vec::new(),
            console_resolution: "1024x768".to_owned(),
            console_http_port: 80,
            console_http_path: "/".to_owned(),
            usage: String::new(),
        }
    }
}

/// GNS3's words.
pub const DOCKER: &str = "docker";
/// GNS3's word for a switch.
pub const SWITCH: &str = "ethernet_switch";
/// GNS3's word for a hub.
pub const HUB: &str = "ethernet_hub";
/// GNS3's word for its virtual PC.
pub const VPCS: &str = "vpcs";

/// The most adapters that a Docker node has.
pub const ADAPTERS: u32 = 99;
