//! A node of ours as an appliance.

use uuid::Uuid;

use crate::gns3::appliance::{Appliance, DockerAppliance};
use crate::gns3::device::ADAPTERS;
use crate::gns3::identity::Identity;

use crate::gns3::container::{IMAGE, SHELL, WAITING};

/// The content of an appliance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// Its name.
    pub name: String,
    /// The image; none: the built-in one.
    pub image: Option<String>,
    /// The number of adapters, 1 to 99.
    pub adapters: u32,
}

impl Default for Kind {
    fn default() -> Self {
        Self {
            name: "Orchestrator node".to_owned(),
            image: None,
            adapters: 1,
        }
    }
}

/// The appliance.
pub fn appliance(kind: &Kind) -> Appliance {
    let built_in = kind.image.is_none();
    Appliance {
        appliance_id: id(&kind.name),
        name: kind.name.clone(),
        category: "guest",
        description: "A node of the orchestrator's labs: it sends, receives and serves files, and \
                      proves what arrived."
            .to_owned(),
        vendor_name: "orchestrator",
        vendor_url: "https://orchestrator.invalid/",
        product_name: "orchestrator",
        registry_version: 4,
        status: "stable",
        maintainer: "orchestrator",
        maintainer_email: "nobody@example.com",
        usage: if built_in {
            format!(
                "Make the image {IMAGE} on the server: orchestrator image. Addresses are set in etc/network/interfaces, with a dotted netmask."
            )
        } else {
            "Addresses are set in etc/network/interfaces, with a dotted netmask.".to_owned()
        },
        symbol: ":/symbols/docker_guest.svg".to_owned(),
        docker: DockerAppliance {
            adapters: kind.adapters.clamp(1, ADAPTERS),
            image: kind.image.clone().unwrap_or_else(|| IMAGE.to_owned()),
            start_command: if built_in { WAITING } else { SHELL }.to_owned(),
            console_type: "telnet",
        },
    }
}

fn id(name: &str) -> Uuid {
    Identity::new("appliances").of("appliance", name)
}
