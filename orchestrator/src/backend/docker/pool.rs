//! Private addresses that nobody else uses, for the engine's idea of a segment.
//!
//! The engine insists on a subnet for each network and an address for each container. The lab's own
//! are set by the nodes; these only tell the engine something, and each node which interface is
//! which. They come from 198.18.0.0/15, set aside for test beds by RFC 2544.

use std::fs;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

/// Hands out subnets, none of which overlaps another or one that is in use.
#[derive(Debug)]
pub(super) struct Pool {
    next: u32,
    end: u32,
    used: Vec<Ipv4Net>,
}

/// A segment's share of the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share(Ipv4Net);

impl Pool {
    /// The addresses of `POOL` without what is `used`, the place to start chosen by `seed`: two labs
    /// that are raised at once rarely try for the same.
    pub(super) fn new(used: Vec<Ipv4Net>, seed: u32) -> Self {
        let slots = 1 << (SLOT_PREFIX - POOL.prefix_len());
        let start = u32::from(POOL.network());
        Self {
            next: start + (seed % slots) * (1 << (32 - SLOT_PREFIX)),
            end: start + (1 << (32 - POOL.prefix_len())),
            used,
        }
    }

    /// A free subnet with room for `ports` interfaces; `None` where there is none left.
    pub(super) fn take(&mut self, ports: usize) -> Option<Share> {
        let needed = u32::try_from(ports).ok()?.checked_add(RESERVED)?;
        let size = needed.checked_next_power_of_two()?.max(SMALLEST);
        let whole = 1 << (32 - POOL.prefix_len());
        if size > whole {
            return None;
        }
        for _ in 0..(2 * whole / size) {
            let first = self.next.next_multiple_of(size);
            if first + size > self.end {
                self.next = u32::from(POOL.network());
                continue;
            }
            self.next = first + size;
            let prefix = u8::try_from(size.leading_zeros() + 1).ok()?;
            let subnet = Ipv4Net::new(Ipv4Addr::from(first), prefix).ok()?;
            if !self.used.iter().any(|&used| overlap(used, subnet)) {
                self.used.push(subnet);
                return Some(Share(subnet));
            }
        }
        None
    }
}

impl Share {
    /// The subnet.
    pub(super) fn subnet(self) -> Ipv4Net {
        self.0
    }

    /// Returns the address that the engine takes for its gateway; nobody has it.
    pub(super) fn gateway(self) -> Ipv4Addr {
        self.nth(1)
    }

    /// The address of the port with this place in the segment.
    pub(super) fn address(self, port: usize) -> Ipv4Addr {
        self.nth(u32::try_from(port).unwrap_or(u32::MAX).saturating_add(2))
    }

    fn nth(self, offset: u32) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.0.network()).saturating_add(offset))
    }
}

/// The IPv4 subnets that this machine has routes to, the default route aside, as `/proc/net/route`
/// lists them (proc(5)): hexadecimal words in the machine's own byte order.
pub(super) fn routed_here() -> Vec<Ipv4Net> {
    let Ok(table) = fs::read_to_string("/proc/net/route") else {
        return Vec::new();
    };
    table.lines().skip(1).filter_map(route).collect()
}

fn route(line: &str) -> Option<Ipv4Net> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let word = |index: usize| {
        let word = u32::from_str_radix(fields.get(index)?, 16).ok()?;
        Some(Ipv4Addr::from(word.to_ne_bytes()))
    };
    let subnet = Ipv4Net::with_netmask(word(1)?, word(7)?).ok()?;
    (subnet.prefix_len() > 0).then_some(subnet)
}

/// Whether two subnets have an address in common.
pub(super) fn overlap(one: Ipv4Net, other: Ipv4Net) -> bool {
    one.contains(&other) || other.contains(&one)
}

const POOL: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(198, 18, 0, 0), 15);

/// Places in the pool to start from.
const SLOT_PREFIX: u8 = 24;

/// The subnet's own address, the gateway and the broadcast address.
const RESERVED: u32 = 3;

/// The fewest addresses of a subnet: some engines refuse a /30.
const SMALLEST: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn net(text: &str) -> Ipv4Net {
        text.parse().unwrap()
    }

    #[test]
    fn a_share_has_room_for_every_port() {
        let mut pool = Pool::new(Vec::new(), 0);
        let share = pool.take(5).unwrap();
        assert_eq!(share.subnet(), net("198.18.0.0/29"));
        assert_eq!(share.gateway().to_string(), "198.18.0.1");
        assert_eq!(share.address(4).to_string(), "198.18.0.6");
        assert_eq!(pool.take(6).unwrap().subnet(), net("198.18.0.16/28"));
    }

    #[test]
    fn what_is_in_use_is_avoided_and_the_end_wraps() {
        let used = vec![net("198.19.255.0/24"), net("198.18.0.0/25")];
        let mut pool = Pool::new(used, 511);
        assert_eq!(pool.take(2).unwrap().subnet(), net("198.18.0.128/29"));
    }

    #[test]
    fn an_empty_pool_says_so() {
        assert_eq!(Pool::new(vec![net("0.0.0.0/0")], 3).take(2), None);
        assert_eq!(Pool::new(Vec::new(), 3).take(1 << 20), None);
    }

    #[test]
    fn a_line_of_the_route_table_is_read() {
        let line = "eth0\t0200A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0";
        if cfg!(target_endian = "little") {
            assert_eq!(route(line), Some(net("192.168.0.2/24")));
        }
    }

    proptest! {
        #[test]
        fn shares_never_overlap(seed: u32, sizes in proptest::collection::vec(1usize..300, 1..40)) {
            let mut pool = Pool::new(vec![net("198.18.7.0/24")], seed);
            let shares: Vec<Ipv4Net> = sizes.iter().map(|&n| pool.take(n).unwrap().subnet()).collect();
            for (index, one) in shares.iter().enumerate() {
                prop_assert!(POOL.contains(one));
                prop_assert!(one.hosts().count() > sizes[index]);
                prop_assert!(!overlap(*one, net("198.18.7.0/24")));
                prop_assert!(shares[..index].iter().all(|&other| !overlap(*one, other)));
            }
        }
    }
}
