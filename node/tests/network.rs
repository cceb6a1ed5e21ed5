//! A node's network is made as the settings say, in namespaces of the test's own. Needs root.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::thread;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::gethostname;
use node::network::configure;
use plumbing::netlink::{Batch, LinkIndex, NetworkNamespace, RouteSocket, VethEnd};
use protocol::control::FailureKind;
use protocol::settings::{FoundBy, Host, InterfaceSettings, NodeSettings, Route, Sandbox};

/// Runs `body` as in a node: its own network, host name and hosts file.
fn in_a_node<T: Send>(body: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let worker = scope.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWUTS | CloneFlags::CLONE_NEWNS)
                .unwrap();
            let none = None::<&str>;
            let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
            mount(none, "/", none, private, none).unwrap();
            let hosts = tempfile::NamedTempFile::new().unwrap();
            mount(
                Some(hosts.path()),
                "/etc/hosts",
                none,
                MsFlags::MS_BIND,
                none,
            )
            .unwrap();
            body()
        });
        worker.join().unwrap()
    })
}

fn interface(name: &str, found_by: FoundBy, addresses: &[&str]) -> InterfaceSettings {
    let last = name.as_bytes().last().unwrap();
    InterfaceSettings {
        name: name.parse().unwrap(),
        found_by,
        mac: format!("02:00:00:00:00:{last:02x}").parse().unwrap(),
        addresses: addresses.iter().map(|a| a.parse().unwrap()).collect(),
    }
}

fn node(name: &str, interfaces: Vec<InterfaceSettings>) -> NodeSettings {
    NodeSettings {
        name: name.parse().unwrap(),
        interfaces,
        routes: Vec::new(),
        sandbox: Sandbox::Default,
        forward: false,
        hosts: vec![Host {
            name: name.parse().unwrap(),
            addresses: vec!["10.0.0.1".parse().unwrap()],
        }],
    }
}

/// Links as an engine leaves them: up, addressed in its own way, with a default route.
fn make_engine_links(links: &[(&str, &str)]) {
    let mut socket = RouteSocket::open().unwrap();
    let mut batch = Batch::new();
    for (name, _) in links {
        let peer = format!("host-{name}");
        let [end, peer] = [name, peer.as_str()].map(|name| VethEnd {
            name,
            index: None,
            mac: None,
            namespace: None,
        });
        batch.create_veth(&end, &peer, None);
    }
    socket.carry_out(batch).unwrap();
    let there = socket.links().unwrap();
    let mut batch = Batch::new();
    for (name, address) in links {
        let link = there.iter().find(|link| link.name == *name).unwrap().index;
        batch.add_address(link, address.parse().unwrap());
        batch.bring_up(link);
        batch.add_route(plumbing::netlink::Route {
            to: "0.0.0.0/0".parse().unwrap(),
            via: None,
            link: Some(link),
            metric: link.0,
        });
    }
    socket.carry_out(batch).unwrap();
}

/// Name, hardware address and addresses of each link that is up, and the IPv4 routes.
fn seen() -> (Vec<String>, String) {
    let mut socket = RouteSocket::open().unwrap();
    let addresses = socket.addresses().unwrap();
    let mut lines: Vec<String> = Vec::new();
    for link in socket.links().unwrap().iter().filter(|link| link.up) {
        let mut own: Vec<String> = addresses
            .iter()
            .filter(|a| a.link == link.index)
            .map(|a| a.address.to_string())
            .filter(|text| !text.starts_with("fe80"))
            .collect();
        own.sort();
        lines.push(format!("{} {:02x?} {}", link.name, link.mac, own.join(" ")));
    }
    lines.sort();
    (
        lines,
        fs::read_to_string("/proc/thread-self/net/route").unwrap(),
    )
}

#[test]
fn what_an_engine_has_set_up_becomes_what_the_file_says() {
    in_a_node(|| {
        make_engine_links(&[("eth0", "100.64.1.2/24"), ("eth1", "100.64.2.2/24")]);
        let by = |address: &str| FoundBy::Address(address.parse().unwrap());
        let mut settings = node(
            "router",
            vec![
                interface("eth0", by("100.64.2.2"), &["10.0.0.1/24", "fd00::1/64"]),
                interface("eth1", by("100.64.1.2"), &["10.1.0.1/24"]),
            ],
        );
        settings.forward = true;
        settings.routes.push(Route {
            to: "10.2.0.0/16".parse().unwrap(),
            via: "10.1.0.9".parse().unwrap(),
        });
        configure(&settings).unwrap();

        let (links, routes) = seen();
        let expected = [
            "eth0 [02, 00, 00, 00, 00, 30] 10.0.0.1/24 fd00::1/64",
            "eth1 [02, 00, 00, 00, 00, 31] 10.1.0.1/24",
            "lo [00, 00, 00, 00, 00, 00] 127.0.0.1/8 ::1/128",
        ];
        assert_eq!(links, expected);
        // Interface and destination, as /proc/net/route writes it: little-endian hexadecimal.
        let mut destinations: Vec<String> = routes
            .lines()
            .skip(1)
            .map(|line| line.split('\t').take(2).collect::<Vec<_>>().join(" "))
            .collect();
        destinations.sort();
        let expected = [
            "eth0 0000000A",
            "eth0 000000E0",
            "eth0 FFFFFFFF",
            "eth1 0000010A",
            "eth1 0000020A",
        ];
        assert_eq!(destinations, expected);
        assert_eq!(gethostname().unwrap(), "router");
        let forward = fs::read_to_string("/proc/sys/net/ipv4/ip_forward").unwrap();
        assert_eq!(forward, "1\n");
        assert!(
            fs::read_to_string("/etc/hosts")
                .unwrap()
                .contains("10.0.0.1\trouter\n")
        );

        configure(&settings).unwrap();
        assert_eq!(seen(), (links, routes), "a second time changes nothing");
    });
}

#[test]
fn a_node_that_does_not_route_forwards_nothing() {
    in_a_node(|| {
        fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap();
        configure(&node("quiet", Vec::new())).unwrap();
        let forward = fs::read_to_string("/proc/sys/net/ipv4/ip_forward").unwrap();
        assert_eq!(forward, "0\n");
    });
}

#[test]
fn a_failure_names_the_interface_and_what_was_tried() {
    in_a_node(|| {
        let wanted = interface("eth7", FoundBy::Name, &[]);
        let failure = configure(&node("a", vec![wanted])).unwrap_err();
        assert_eq!(failure.kind, FailureKind::NotFound);
        assert!(
            failure
                .message
                .starts_with("interface eth7: the node has no link"),
            "{failure}"
        );

        make_engine_links(&[("eth0", "100.64.1.2/24")]);
        let mut wanted = interface("eth0", FoundBy::Name, &["10.0.0.1/24"]);
        wanted.mac.0[0] = 1;
        let failure = configure(&node("a", vec![wanted])).unwrap_err();
        assert!(
            failure
                .message
                .starts_with("interface eth0: setting the hardware address"),
            "{failure}"
        );
    });
}

/// The kernel's own one would be tentative first.
#[test]
fn the_link_local_address_is_valid_at_once() {
    in_a_node(|| {
        make_engine_links(&[("eth0", "10.9.0.2/24")]);
        let wanted = interface("eth0", FoundBy::Name, &["fd00::1/64"]);
        configure(&node("left", vec![wanted.clone()])).unwrap();
        // Address, device number, prefix length, scope, flags (IFA_F_TENTATIVE is 0x40), name.
        let seen = fs::read_to_string("/proc/thread-self/net/if_inet6").unwrap();
        let own = "fe80000000000000000000fffe000030";
        let line = seen.lines().find(|line| line.starts_with(own)).unwrap();
        let flags = line.split_whitespace().nth(4).unwrap();
        assert_eq!(u8::from_str_radix(flags, 16).unwrap() & 0x40, 0, "{seen}");
        configure(&node("left", vec![wanted])).unwrap();
    });
}

/// Once both nodes are configured, not one datagram is lost on the way through the bridge.
#[test]
fn the_limited_broadcast_passes_at_once() {
    for _ in 0..ROUNDS {
        let far = in_a_node(|| fs::File::open("/proc/thread-self/ns/net").unwrap());
        in_a_node(|| {
            let here = fs::File::open("/proc/thread-self/ns/net").unwrap();
            let mut batch = Batch::new();
            batch.create_bridge("lan", LinkIndex(1000));
            for (port, namespace) in [("p0", &here), ("p1", &far)] {
                let [port, end] = [(port, &here), ("eth0", namespace)].map(|(name, at)| VethEnd {
                    name,
                    index: None,
                    mac: None,
                    namespace: Some(NetworkNamespace::Open(at.as_fd())),
                });
                batch.create_veth(&port, &end, Some(LinkIndex(1000)));
            }
            RouteSocket::open().unwrap().carry_out(batch).unwrap();
            let receiver = thread::scope(|scope| {
                let at_far = scope.spawn(|| {
                    unshare(CloneFlags::CLONE_NEWUTS).unwrap();
                    nix::sched::setns(&far, CloneFlags::CLONE_NEWNET).unwrap();
                    let wanted = interface("eth0", FoundBy::Name, &["10.0.0.2/24"]);
                    let receiver = UdpSocket::bind("0.0.0.0:5005").unwrap();
                    configure(&node("far", vec![wanted])).unwrap();
                    receiver
                });
                at_far.join().unwrap()
            });
            let mut wanted = interface("eth0", FoundBy::Name, &["10.0.0.1/24"]);
            wanted.mac.0[5] = 1;
            let sender = UdpSocket::bind("0.0.0.0:0").unwrap();
            sender.set_broadcast(true).unwrap();
            configure(&node("near", vec![wanted])).unwrap();
            sender.send_to(b"hello", "255.255.255.255:5005").unwrap();
            let patience = std::time::Duration::from_secs(2);
            receiver.set_read_timeout(Some(patience)).unwrap();
            let mut bytes = [0; 16];
            let (length, from) = receiver.recv_from(&mut bytes).unwrap();
            assert_eq!(&bytes[..length], b"hello");
            assert_eq!(from.ip().to_string(), "10.0.0.1");
        });
    }
}

const ROUNDS: usize = 200;
