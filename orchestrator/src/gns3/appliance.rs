//! A `.gns3a` file: the registry's schema, version 4, which allows no other keys than these where it is
//! taken strictly (`schemas/appliance_v4.json` of GNS3's registry).

use serde::Serialize;
use uuid::Uuid;

use super::document::indented;

/// A Docker appliance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Appliance {
    /// Its identity.
    pub appliance_id: Uuid,
    /// Its name.
    pub name: String,
    /// `guest`.
    pub category: &'static str,
    /// Its description.
    pub description: String,
    /// Its vendor.
    pub vendor_name: &'static str,
    /// Where they are found.
    pub vendor_url: &'static str,
    /// The vendor's name for it.
    pub product_name: &'static str,
    /// The version of the schema.
    pub registry_version: u8,
    /// `stable`.
    pub status: &'static str,
    /// Its maintainer.
    pub maintainer: &'static str,
    /// The maintainer's address.
    pub maintainer_email: &'static str,
    /// Instructions for its use.
    pub usage: String,
    /// Its picture.
    pub symbol: String,
    /// The container.
    pub docker: DockerAppliance,
}

/// The container of an appliance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DockerAppliance {
    /// The number of its adapters.
    pub adapters: u32,
    /// The image.
    pub image: String,
    /// The command it runs.
    pub start_command: String,
    /// The protocol of its console.
    pub console_type: &'static str,
}

impl Appliance {
    /// The file's text.
    ///
    /// # Errors
    /// None in practice: every part of it has a form in JSON.
    pub fn text(&self) -> Result<String, serde_json::Error> {
        indented(self)
    }
}
