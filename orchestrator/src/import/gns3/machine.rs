//! One of a project's nodes that runs programs: a Docker node, or a virtual PC of GNS3.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use crate::gns3::container::{IMAGE, SHELL, WAITING};
use crate::gns3::device::{Docker, Vpcs};
use crate::gns3::interfaces::{self, Stanza};

/// Everything known of a node besides its links.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Machine {
    /// Its image; none: the built-in one.
    pub image: Option<String>,
    /// The command it runs.
    pub command: Vec<String>,
    /// Its variables.
    pub env: BTreeMap<String, String>,
    /// Whether it routes.
    pub forward: bool,
    /// Its routes.
    pub routes: Vec<(IpNet, IpAddr)>,
    /// Addresses by adapter.
    pub addresses: BTreeMap<u32, Vec<IpNet>>,
    /// The settings that have no counterpart.
    pub lost: Vec<String>,
}

impl Machine {
    /// A Docker node; `addresses` is its etc/network/interfaces, where it has one.
    pub fn docker(docker: &Docker, addresses: Option<&str>) -> Self {
        let mut found = Self {
            image: (!is_built_in(&docker.image)).then(|| docker.image.clone()),
            ..Self::default()
        };
        match docker.start_command.as_deref().map(str::trim) {
            None | Some("" | SHELL | WAITING) => {}
            Some(command) => match shlex::split(command) {
                Some(words) => found.command = words,
                None => found.lost.push(format!(
                    "its start command `{command}` has an open quote and is left out"
                )),
            },
        }
        for line in docker.environment.iter().flat_map(|text| text.lines()) {
            match line.trim().split_once('=') {
                Some((name, value)) if !name.is_empty() => {
                    found.env.insert(name.to_owned(), value.to_owned());
                }
                _ if line.trim().is_empty() => {}
                _ => found
                    .lost
                    .push(format!("`{line}` is no variable and is left out")),
            }
        }
        for stanza in addresses.map(interfaces::read).unwrap_or_default() {
            found.stanza(stanza);
        }
        found
    }

    /// A virtual PC; `script` is what it is told at its start.
    pub fn vpcs(vpcs: &Vpcs, script: Option<&str>) -> Self {
        let mut found = Self::default();
        let script = script.or(vpcs.startup_script.as_deref());
        for line in script.unwrap_or_default().lines().map(str::trim) {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["ip", "dhcp", ..] => found.lost.push(DHCP.to_owned()),
                ["ip", address, rest @ ..] => found.pc(address, rest),
                [] | ["set", "pcname", ..] => {}
                [comment, ..] if comment.starts_with('#') => {}
                _ => found.lost.push(format!("`{line}` is left out")),
            }
        }
        found
    }

    /// `ip ADDRESS [MASK|GATEWAY|PREFIX] [GATEWAY|PREFIX]`, as vpcs(1) has it.
    fn pc(&mut self, address: &str, rest: &[&str]) {
        let Some(ip) = address
            .split('/')
            .next()
            .and_then(|ip| ip.parse::<IpAddr>().ok())
        else {
            self.lost.push(format!("`ip {address}` is left out"));
            return;
        };
        let mut prefix = if ip.is_ipv4() { 24 } else { 64 };
        let mut gateway = None;
        let more = address.split_once('/').map(|(_, prefix)| prefix);
        for word in more.iter().chain(rest) {
            if let Ok(bits) = word.trim_start_matches('/').parse::<u8>() {
                prefix = bits;
            } else if let Ok(found) = word.parse::<IpAddr>() {
                match ipnet::ip_mask_to_prefix(found) {
                    Ok(bits) if word.starts_with("255.") => prefix = bits,
                    _ => gateway = Some(found),
                }
            }
        }
        if let Ok(net) = IpNet::new(ip, prefix) {
            self.addresses.entry(0).or_default().push(net);
        }
        if let Some(via) = gateway.filter(|via| via.is_ipv4() == ip.is_ipv4()) {
            let all = if via.is_ipv4() { "0.0.0.0/0" } else { "::/0" };
            self.routes.extend(all.parse().ok().map(|all| (all, via)));
        }
    }

    fn stanza(&mut self, stanza: Stanza) {
        let Some(adapter) = stanza
            .interface
            .strip_prefix("eth")
            .and_then(|n| n.parse().ok())
        else {
            let text = format!(
                "interface {} is no adapter and is left out",
                stanza.interface
            );
            self.lost.push(text);
            return;
        };
        if stanza.dhcp {
            self.lost.push(DHCP.to_owned());
        }
        for command in &stanza.commands {
            self.lost
                .push(format!("`{command}` in its interfaces file is left out"));
        }
        self.forward |= stanza.forwards;
        self.routes.extend(stanza.routes);
        let known: &mut Vec<IpNet> = self.addresses.entry(adapter).or_default();
        known.extend(stanza.addresses);
        let mut seen = BTreeSet::new();
        known.retain(|net| seen.insert(*net));
    }
}

/// Whether an image is the one that `orchestrator image` makes, of any version.
pub fn is_built_in(image: &str) -> bool {
    let name = |image: &'_ str| image.split(':').next().map(str::to_owned);
    name(image) == name(IMAGE)
}

const DHCP: &str =
    "it asks for an address by DHCP; it has a planned one here where its network has a subnet";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_pc_has_what_its_script_says() {
        let script =
            "# a PC\nset pcname PC1\nip 10.0.0.1 255.255.0.0 10.0.0.254\nip fd00::1/64\nsave\n";
        let machine = Machine::vpcs(&Vpcs::default(), Some(script));
        let nets: Vec<_> = machine.addresses[&0]
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(nets, ["10.0.0.1/16", "fd00::1/64"]);
        assert_eq!(machine.routes.len(), 1);
        assert_eq!(machine.lost, ["`save` is left out"]);
    }

    #[test]
    fn a_container_has_its_command_and_variables() {
        let docker = Docker {
            image: "python:3".to_owned(),
            start_command: Some("python3 -c 'print(1)'".to_owned()),
            environment: Some("A=1\nB=x=y\n\nnonsense".to_owned()),
            ..Docker::default()
        };
        let machine = Machine::docker(&docker, None);
        assert_eq!(machine.command, ["python3", "-c", "print(1)"]);
        assert_eq!(machine.env["B"], "x=y");
        assert_eq!(machine.image.as_deref(), Some("python:3"));
        assert_eq!(machine.lost.len(), 1);
    }
}
