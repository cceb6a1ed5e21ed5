//! What the kernel takes for namespaces, bridge, cables and addresses: no processes, no file systems.

use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::os::fd::AsFd;
use std::time::Duration;

use async_trait::async_trait;
use ipnet::IpNet;
use nix::sched::{CloneFlags, setns};
use plumbing::netlink::{Batch, LinkIndex, NetworkNamespace, RouteSocket, VethEnd};

use crate::entrant::Entrant;
use crate::error::BenchError;
use crate::namespace::{enter_new_network, on_a_thread};

/// Namespaces that are held by descriptors only, and gone with them.
#[derive(Debug, Default)]
pub(super) struct Floor {
    nodes: Vec<File>,
    lab: Option<File>,
}

#[async_trait(?Send)]
impl Entrant for Floor {
    fn name(&self) -> &'static str {
        "netlink floor"
    }

    async fn up(&mut self, nodes: u16) -> Result<(), BenchError> {
        let (lab, made) = on_a_thread(move || build(nodes)).await?;
        (self.lab, self.nodes) = (Some(lab), made);
        Ok(())
    }

    async fn check(&mut self) -> Result<(), BenchError> {
        let ends = (
            self.nodes.first().map(File::try_clone),
            self.nodes.last().map(File::try_clone),
        );
        let (Some(Ok(first)), Some(Ok(last))) = ends else {
            return Err(BenchError::Wrong("nothing is up".to_owned()));
        };
        let address = address(self.nodes.len() - 1);
        on_a_thread(move || send_across(&first, &last, address)).await
    }

    /// The kernel removes the namespaces later, by itself: this is not comparable with the others.
    async fn down(&mut self) -> Result<(), BenchError> {
        self.nodes.clear();
        self.lab = None;
        Ok(())
    }
}

fn build(nodes: u16) -> Result<(File, Vec<File>), BenchError> {
    let lab = enter_new_network()?;
    let mut route = RouteSocket::open()?;
    let mut namespaces = Vec::with_capacity(usize::from(nodes));
    let mut inside = Vec::with_capacity(usize::from(nodes));
    for node in 0..usize::from(nodes) {
        namespaces.push(enter_new_network()?);
        inside.push((RouteSocket::open()?, address(node)));
    }
    let mut batch = Batch::new();
    batch.create_bridge("lan", BRIDGE);
    for (node, namespace) in namespaces.iter().enumerate() {
        let name = format!("p{node}");
        let here = VethEnd {
            name: &name,
            index: None,
            mac: None,
            namespace: None,
        };
        let there = VethEnd {
            name: "eth0",
            index: None,
            mac: None,
            namespace: Some(NetworkNamespace::Open(namespace.as_fd())),
        };
        batch.create_veth(&here, &there, Some(BRIDGE));
    }
    route.carry_out(batch)?;
    for (mut route, address) in inside {
        let links = route.links()?;
        let mut batch = Batch::new();
        batch.bring_up(LinkIndex::LOOPBACK);
        for link in links.iter().filter(|link| link.name == "eth0") {
            batch.add_address(link.index, address);
            batch.bring_up(link.index);
        }
        route.carry_out(batch)?;
    }
    Ok((lab, namespaces))
}

/// Sends a datagram from one node to another until one arrives.
fn send_across(from: &File, to: &File, address: IpNet) -> Result<(), BenchError> {
    let crossing = BenchError::system("sending a datagram across");
    let receiver = socket_in(to).map_err(&crossing)?;
    let sender = socket_in(from).map_err(&crossing)?;
    receiver
        .set_read_timeout(Some(Duration::from_millis(50)))
        .map_err(&crossing)?;
    let port = receiver.local_addr().map_err(&crossing)?.port();
    let mut last = io::Error::from(io::ErrorKind::TimedOut);
    for _ in 0..100 {
        sender
            .send_to(b"there?", (address.addr(), port))
            .map_err(&crossing)?;
        match receiver.recv(&mut [0; 8]) {
            Ok(_) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(crossing(last))
}

fn socket_in(namespace: &File) -> io::Result<UdpSocket> {
    setns(namespace, CloneFlags::CLONE_NEWNET)?;
    UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))
}

fn address(node: usize) -> IpNet {
    let number = u32::try_from(node).unwrap_or(0) + 1;
    let address = Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 0, 0, 0)) + number);
    IpNet::new_assert(IpAddr::V4(address), 16)
}

/// Beyond what the kernel gives to links by itself.
const BRIDGE: LinkIndex = LinkIndex(1000);
