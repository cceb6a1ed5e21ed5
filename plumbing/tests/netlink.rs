//! Netlink verbs against the kernel, each test in network namespaces of its own. Needs root.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs::File;
use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::thread;

use ipnet::IpNet;
use nix::sched::{CloneFlags, unshare};
use plumbing::netlink::{
    Batch, LinkIndex, NetlinkError, NetworkNamespace, Route, RouteSocket, VethEnd,
};

/// Runs `body` in a new network namespace, which ends with it.
fn in_new_namespace<T: Send>(body: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let worker = scope.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).unwrap();
            body()
        });
        worker.join().unwrap()
    })
}

/// Makes a network namespace that lives as long as the descriptor.
fn new_namespace() -> File {
    in_new_namespace(|| File::open("/proc/thread-self/ns/net").unwrap())
}

fn end(name: &str) -> VethEnd<'_> {
    VethEnd {
        name,
        index: None,
        mac: None,
        namespace: None,
    }
}

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

#[test]
fn a_bridge_and_its_ports_come_from_one_batch() {
    in_new_namespace(|| {
        let far = new_namespace();
        let mut socket = RouteSocket::open().unwrap();
        let mut batch = Batch::new();
        batch.create_bridge("lan", LinkIndex(1000));
        let mac = [0x32, 0x39, 0xf0, 0x0c, 0x49, 0x79];
        let peer = VethEnd {
            mac: Some(mac),
            namespace: Some(NetworkNamespace::Open(far.as_fd())),
            ..end("eth0")
        };
        batch.create_veth(&end("p0"), &peer, Some(LinkIndex(1000)));
        socket.carry_out(batch).unwrap();

        let here: Vec<_> = socket.links().unwrap();
        let bridge = here.iter().find(|link| link.name == "lan").unwrap();
        assert!(bridge.up && bridge.index == LinkIndex(1000));
        assert!(here.iter().any(|link| link.name == "p0" && link.up));
        let there = thread::scope(|scope| {
            let look = scope.spawn(|| {
                nix::sched::setns(&far, CloneFlags::CLONE_NEWNET).unwrap();
                RouteSocket::open().unwrap().links().unwrap()
            });
            look.join().unwrap()
        });
        let eth0 = there.iter().find(|link| link.name == "eth0").unwrap();
        assert_eq!((&eth0.mac[..], eth0.up), (&mac[..], false));
    });
}

#[test]
fn an_error_names_its_request_and_later_requests_are_still_carried_out() {
    in_new_namespace(|| {
        let mut socket = RouteSocket::open().unwrap();
        let mut batch = Batch::new();
        batch.create_bridge("first", LinkIndex(1000));
        batch.create_bridge("first", LinkIndex(1001));
        batch.create_bridge("third", LinkIndex(1002));
        let error = socket.carry_out(batch).unwrap_err();
        assert!(error.to_string().contains("making bridge first"), "{error}");
        assert_eq!(error.raw_os_error(), Some(17), "EEXIST: {error}");
        let links = socket.links().unwrap();
        assert!(links.iter().any(|link| link.name == "third"));
    });
}

#[test]
fn every_refusal_of_a_long_batch_fits_the_socket() {
    in_new_namespace(|| {
        let mut socket = RouteSocket::open().unwrap();
        let mut batch = Batch::new();
        for number in 0..1000 {
            batch.delete_link(LinkIndex(100_000 + number));
        }
        let error = socket.carry_out(batch).unwrap_err();
        assert!(matches!(error, NetlinkError::Refused { .. }), "{error}");
        assert!(error.to_string().contains("link 100000"), "{error}");
    });
}

#[test]
fn an_interface_found_by_its_address_can_be_made_over() {
    in_new_namespace(|| {
        let mut socket = RouteSocket::open().unwrap();
        let mut batch = Batch::new();
        batch.create_veth(&end("a"), &end("b"), None);
        socket.carry_out(batch).unwrap();
        let links = socket.links().unwrap();
        let a = links.iter().find(|link| link.name == "a").unwrap().index;
        let mut batch = Batch::new();
        batch.add_address(a, net("172.17.0.2/16"));
        socket.carry_out(batch).unwrap();

        let found = socket.addresses().unwrap();
        let engine = *found
            .iter()
            .find(|f| f.address == net("172.17.0.2/16"))
            .unwrap();
        assert_eq!(engine.link, a);
        let mut batch = Batch::new();
        batch.delete_address(engine);
        batch.rename(a, "eth0");
        batch.set_mac(a, [2, 0, 0, 0, 0, 7]);
        batch.add_address(a, net("10.0.0.1/24"));
        batch.add_address(a, net("fd00::1/64"));
        socket.carry_out(batch).unwrap();

        let link = socket
            .links()
            .unwrap()
            .into_iter()
            .find(|l| l.index == a)
            .unwrap();
        assert_eq!(
            (&link.name[..], &link.mac[..]),
            ("eth0", &[2, 0, 0, 0, 0, 7][..])
        );
        let addresses: Vec<_> = socket.addresses().unwrap();
        let mine: Vec<_> = addresses
            .iter()
            .filter(|f| f.link == a)
            .map(|f| f.address)
            .collect();
        assert!(
            mine.contains(&net("10.0.0.1/24")) && mine.contains(&net("fd00::1/64")),
            "{mine:?}"
        );
        assert!(!mine.contains(&net("172.17.0.2/16")), "{mine:?}");
        // No duplicate address detection: a tentative address could not be bound.
        UdpSocket::bind("[fd00::1]:0").unwrap();
    });
}

#[test]
fn routes_lead_limited_broadcast_multicast_and_gateways_out() {
    in_new_namespace(|| {
        let mut socket = RouteSocket::open().unwrap();
        let mut batch = Batch::new();
        batch.create_veth(&end("eth0"), &end("far"), None);
        batch.bring_up(LinkIndex::LOOPBACK);
        socket.carry_out(batch).unwrap();
        let links = socket.links().unwrap();
        let eth0 = links.iter().find(|link| link.name == "eth0").unwrap().index;
        let on_link = |to| Route {
            to: net(to),
            via: None,
            link: Some(eth0),
            metric: 0,
        };
        let far = links.iter().find(|link| link.name == "far").unwrap().index;
        let mut batch = Batch::new();
        batch.bring_up(eth0);
        batch.bring_up(far);
        batch.add_address(eth0, net("10.0.0.1/24"));
        batch.add_address(eth0, net("fd00::1/64"));
        batch.add_route(on_link("255.255.255.255/32"));
        batch.add_route(on_link("224.0.0.0/4"));
        for (to, via) in [("10.9.0.0/16", "10.0.0.2"), ("fd09::/64", "fd00::2")] {
            batch.add_route(Route {
                to: net(to),
                via: Some(via.parse().unwrap()),
                link: None,
                metric: 5,
            });
        }
        socket.carry_out(batch).unwrap();

        let sender = UdpSocket::bind("0.0.0.0:0").unwrap();
        sender.set_broadcast(true).unwrap();
        for to in [
            "255.255.255.255:9",
            "224.0.0.9:9",
            "10.9.1.1:9",
            "127.0.0.1:9",
        ] {
            sender.send_to(b"x", to).unwrap();
        }
        UdpSocket::bind("[::]:0")
            .unwrap()
            .send_to(b"x", "[fd09::1]:9")
            .unwrap();
        // And where there is no route, there is none.
        assert!(sender.send_to(b"x", "10.8.1.1:9").is_err());
    });
}
