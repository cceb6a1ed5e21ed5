//! A node's interfaces as adapters of GNS3, which calls them eth0, eth1 and so on.

use std::collections::BTreeSet;

use protocol::name::InterfaceName;
use protocol::settings::MacAddress;

use super::device::ADAPTERS;
use super::document::Adapter;

/// The adapters of a node, in the order of its interfaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adapters {
    numbers: Vec<u32>,
}

impl Adapters {
    /// By the interfaces' own numbers where all are called `eth` and a number, else by their order.
    pub fn of<'a>(interfaces: impl Iterator<Item = &'a InterfaceName> + Clone) -> Self {
        let count = u32::try_from(interfaces.clone().count()).unwrap_or(u32::MAX);
        let own: Option<Vec<u32>> = interfaces.map(number).collect();
        let distinct =
            |numbers: &Vec<u32>| numbers.iter().collect::<BTreeSet<_>>().len() == numbers.len();
        let numbers = own.filter(distinct);
        Self {
            numbers: numbers.unwrap_or_else(|| (0..count).collect()),
        }
    }

    /// The number of the interface at this place.
    pub fn number(&self, place: usize) -> u32 {
        self.numbers.get(place).copied().unwrap_or_default()
    }

    /// Returns the number of adapters that the node must have, so that each interface is one.
    pub fn count(&self) -> u32 {
        self.numbers.iter().max().map_or(1, |highest| highest + 1)
    }

    /// Returns the particulars of each.
    pub fn particulars<'a>(
        &self,
        interfaces: impl Iterator<Item = (&'a InterfaceName, MacAddress)>,
    ) -> Vec<Adapter> {
        let interfaces = interfaces.zip(&self.numbers);
        let mut adapters: Vec<_> = interfaces
            .map(|((name, mac), &adapter)| Adapter {
                adapter_number: adapter,
                port_name: (number(name) != Some(adapter)).then(|| name.to_string()),
                mac_address: Some(mac.to_string()),
            })
            .collect();
        adapters.sort_by_key(|adapter| adapter.adapter_number);
        adapters
    }
}

/// The number of `eth` and a number, where GNS3 has so many.
pub fn number(name: &InterfaceName) -> Option<u32> {
    let number = name.as_str().strip_prefix("eth")?;
    let is_plain = number == "0" || !number.starts_with('0');
    let number: u32 = number.parse().ok().filter(|_| is_plain)?;
    (number < ADAPTERS).then_some(number)
}
