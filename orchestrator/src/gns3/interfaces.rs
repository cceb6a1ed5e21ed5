//! A Docker node's `etc/network/interfaces`, as `BusyBox`'s `ifup` in GNS3's containers reads it
//! (interfaces(5)). `BusyBox` wants a netmask, dotted: with `address 10.0.0.1/24` alone a node has no address,
//! and nothing says so.

use std::fmt::{self, Display, Write};
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// The settings of an interface, as the file has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stanza {
    /// The interface's name.
    pub interface: String,
    /// Its addresses.
    pub addresses: Vec<IpNet>,
    /// Whether it asks a server for one.
    pub dhcp: bool,
    /// The networks reached through it.
    pub routes: Vec<(IpNet, IpAddr)>,
    /// Whether the node routes.
    pub forwards: bool,
    /// Names that resolve in the node, of addresses that GNS3's own list cannot hold.
    pub hosts: Vec<(String, IpAddr)>,
    /// Commands that are none of these.
    pub commands: Vec<String>,
}

/// A setting that the kernel lacks or keeps to itself must not end what follows: `ifup` goes no further after
/// the first command that fails.
impl Display for Stanza {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.interface;
        let v4: Vec<Ipv4Net> = self.addresses.iter().filter_map(v4).collect();
        let v6: Vec<Ipv6Net> = self.addresses.iter().filter_map(v6).collect();
        writeln!(out, "auto {name}")?;
        match v4.first() {
            Some(first) => {
                writeln!(out, "iface {name} inet static")?;
                writeln!(
                    out,
                    "\taddress {}\n\tnetmask {}",
                    first.addr(),
                    first.netmask()
                )?;
            }
            None => writeln!(out, "iface {name} inet manual\n\tup ip link set {name} up")?,
        }
        for more in v4.iter().skip(1) {
            writeln!(out, "\tup ip addr add {more} dev {name}")?;
        }
        if !v4.is_empty() {
            for group in WITHOUT_ROUTE {
                writeln!(out, "\tup ip route add {group} dev {name} || true")?;
            }
        }
        if !v6.is_empty() {
            for setting in ["disable_ipv6=0", "accept_dad=0"] {
                writeln!(out, "\tup sysctl -w net.ipv6.conf.{name}.{setting} || true")?;
            }
        }
        for address in &v6 {
            writeln!(out, "\tup ip addr add {address} dev {name}")?;
        }
        for (to, via) in &self.routes {
            writeln!(out, "\tup ip route add {to} via {via}")?;
        }
        if self.forwards {
            for setting in FORWARD {
                writeln!(out, "\tup sysctl -w {setting} || true")?;
            }
        }
        for (host, address) in &self.hosts {
            writeln!(out, "\tup {}", entry(host, *address))?;
        }
        self.commands
            .iter()
            .try_for_each(|command| writeln!(out, "\tup {command}"))
    }
}

/// The file of these interfaces.
pub fn text(title: &str, stanzas: &[Stanza]) -> String {
    let mut text = format!("# {title}\n");
    for stanza in stanzas {
        // Writing into a string cannot fail.
        let _ = write!(text, "\n{stanza}");
    }
    text
}

/// Reads such a file; several stanzas of an interface, one a family, come as one. Comments are left out,
/// and of GNS3's own sample everything is a comment.
pub fn read(text: &str) -> Vec<Stanza> {
    let mut stanzas: Vec<Stanza> = Vec::new();
    let mut current = None;
    let mut pending: Option<IpAddr> = None;
    for line in text.lines().map(str::trim) {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        match word {
            "iface" => {
                let mut words = rest.split_whitespace();
                let name = words.next().unwrap_or_default();
                let place = stanzas.iter().position(|s| s.interface == name);
                let place = place.unwrap_or_else(|| {
                    stanzas.push(Stanza {
                        interface: name.to_owned(),
                        ..Stanza::default()
                    });
                    stanzas.len() - 1
                });
                if words.nth(1) == Some("dhcp") {
                    stanzas[place].dhcp = true;
                }
                (current, pending) = (Some(place), None);
            }
            "auto" | "allow-hotplug" | "source" | "mapping" => current = None,
            _ => {
                if let Some(place) = current {
                    stanzas[place].option(word, rest, &mut pending);
                }
            }
        }
    }
    stanzas.retain(|stanza| stanza.interface != "lo");
    stanzas
}

impl Stanza {
    fn option(&mut self, word: &str, rest: &str, pending: &mut Option<IpAddr>) {
        match word {
            "address" => match rest.parse::<IpNet>() {
                Ok(address) => self.addresses.push(address),
                Err(_) => *pending = rest.parse().ok(),
            },
            "netmask" => {
                let prefix = rest
                    .parse::<u8>()
                    .ok()
                    .or_else(|| ipnet::ip_mask_to_prefix(rest.parse().ok()?).ok());
                let address = pending.take().zip(prefix);
                let net = address.and_then(|(ip, prefix)| IpNet::new(ip, prefix).ok());
                self.addresses.extend(net);
            }
            "gateway" => {
                let via = rest.parse::<IpAddr>().ok();
                self.routes.extend(via.map(|via| (everything(via), via)));
            }
            "up" | "post-up" | "pre-up" => self.command(rest),
            _ => {}
        }
    }

    /// Takes a command for what it does, where it is one that is written here.
    fn command(&mut self, command: &str) {
        let words: Vec<&str> = command.split_whitespace().collect();
        match words.as_slice() {
            ["ip", "route", "add", group, ..] if WITHOUT_ROUTE.contains(group) => {}
            ["ip", "addr" | "address", "add", net, "dev", name]
                if *name == self.interface && net.parse::<IpNet>().is_ok() =>
            {
                self.addresses.extend(net.parse::<IpNet>().ok());
            }
            ["ip", "route", "add", to, "via", via, ..] => {
                let via = via.parse::<IpAddr>().ok();
                let to = |via| match *to {
                    "default" => Some(everything(via)),
                    net => net.parse().ok(),
                };
                match via.and_then(|via| Some((to(via)?, via))) {
                    Some(route) => self.routes.push(route),
                    None => self.commands.push(command.to_owned()),
                }
            }
            ["sysctl", "-w", setting, ..] if FORWARD.contains(setting) => self.forwards = true,
            ["sysctl", "-w", setting, ..] if setting.starts_with("net.ipv6.conf.") => {}
            ["grep", _, quoted, .., "/etc/hosts"] => {
                let address = quoted.trim_start_matches("'^").parse().ok();
                let host = words.get(3).map(|word| word.trim_end_matches("$'"));
                match address.zip(host) {
                    Some((address, host)) => self.hosts.push((host.to_owned(), address)),
                    None => self.commands.push(command.to_owned()),
                }
            }
            ["ip", "link", "set", _, "up"] | [] => {}
            _ => self.commands.push(command.to_owned()),
        }
    }
}

/// The command that adds a name, once.
fn entry(host: &str, address: IpAddr) -> String {
    format!("grep -q '^{address} {host}$' /etc/hosts || echo '{address} {host}' >> /etc/hosts")
}

/// Where a default route leads to.
fn everything(via: IpAddr) -> IpNet {
    match via {
        IpAddr::V4(_) => IpNet::V4(Ipv4Net::default()),
        IpAddr::V6(_) => IpNet::V6(Ipv6Net::default()),
    }
}

fn v4(net: &IpNet) -> Option<Ipv4Net> {
    match net {
        IpNet::V4(net) => Some(*net),
        IpNet::V6(_) => None,
    }
}

fn v6(net: &IpNet) -> Option<Ipv6Net> {
    match net {
        IpNet::V6(net) => Some(*net),
        IpNet::V4(_) => None,
    }
}

/// The destinations that no interface leads to by its addresses alone: broadcasts to everybody, and
/// multicast.
const WITHOUT_ROUTE: [&str; 2] = ["255.255.255.255/32", "224.0.0.0/4"];

const FORWARD: [&str; 2] = ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_netmask_is_dotted_and_what_is_written_is_read() {
        let stanza = Stanza {
            interface: "eth0".to_owned(),
            addresses: ["10.1.0.1/24", "10.9.0.1/16", "fd01::1/64"]
                .map(|net| net.parse().unwrap())
                .to_vec(),
            routes: vec![
                ("10.2.0.0/24".parse().unwrap(), "10.1.0.2".parse().unwrap()),
                ("0.0.0.0/0".parse().unwrap(), "10.1.0.2".parse().unwrap()),
            ],
            forwards: true,
            hosts: vec![("left".to_owned(), "fd01::11".parse().unwrap())],
            ..Stanza::default()
        };
        let bare = Stanza {
            interface: "eth1".to_owned(),
            ..Stanza::default()
        };
        let stanzas = [stanza, bare];
        let text = text("a node", &stanzas);
        assert!(
            text.contains("\taddress 10.1.0.1\n\tnetmask 255.255.255.0\n"),
            "{text}"
        );
        assert_eq!(read(&text), stanzas);
    }

    #[test]
    fn what_people_write_is_read() {
        let text = "
            # Static config for eth0
            auto eth0
            iface eth0 inet static
                address 192.168.0.2
                netmask 255.255.255.0
                gateway 192.168.0.1
                up echo nameserver 192.168.0.1 > /etc/resolv.conf
            auto eth1
            iface eth1 inet dhcp
            #auto eth2
            #iface eth2 inet dhcp
            iface lo inet loopback";
        let stanzas = read(text);
        assert_eq!(stanzas.len(), 2);
        assert_eq!(stanzas[0].addresses, ["192.168.0.2/24".parse().unwrap()]);
        assert_eq!(stanzas[0].routes[0].0.to_string(), "0.0.0.0/0");
        assert_eq!(stanzas[0].commands.len(), 1);
        assert!(stanzas[1].dhcp);
    }
}
