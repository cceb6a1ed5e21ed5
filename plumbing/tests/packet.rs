//! Packet sockets against the kernel, each test in a network namespace of its own. Needs root.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::net::UdpSocket;
use std::os::fd::{AsFd, AsRawFd};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{MsgFlags, recv, setsockopt, sockopt};
use plumbing::netlink::{Batch, Link, LinkMonitor, RouteSocket, VethEnd};
use plumbing::packet::{Direction, FrameHead, PacketSocket, Statistics};
use plumbing::packet_ring::{self, PacketRing};

/// Runs `body` in a new network namespace with a wire between `left`, which has 10.0.0.1/24, and
/// `right`, which has no address.
fn on_a_wire(body: impl FnOnce() + Send) {
    let work = move || {
        unshare(CloneFlags::CLONE_NEWNET).unwrap();
        let mut socket = RouteSocket::open().unwrap();
        let mut batch = Batch::new();
        let end = |name| VethEnd {
            name,
            index: None,
            mac: None,
            namespace: None,
        };
        batch.create_veth(&end("left"), &end("right"), None);
        socket.carry_out(batch).unwrap();
        let mut batch = Batch::new();
        for link in socket.links().unwrap() {
            batch.bring_up(link.index);
            if link.name == "left" {
                batch.add_address(link.index, "10.0.0.1/24".parse().unwrap());
            }
        }
        socket.carry_out(batch).unwrap();
        settle(&mut socket);
        body();
    };
    thread::scope(|scope| scope.spawn(work).join().unwrap());
}

/// Waits until the kernel lets the wire pass frames, which it does a moment after both ends are up.
fn settle(socket: &mut RouteSocket) {
    let mut monitor = LinkMonitor::open().unwrap();
    let down = |link: &Link| !link.operational && link.name != "lo";
    while socket.links().unwrap().iter().any(down) {
        assert!(monitor.wait(Duration::from_secs(10)).unwrap());
    }
}

fn broadcaster() -> UdpSocket {
    let socket = UdpSocket::bind("10.0.0.1:0").unwrap();
    socket.set_broadcast(true).unwrap();
    socket
}

/// The next frame that holds `marker`, with all bytes; waits for it.
fn next_with(socket: &PacketSocket, marker: &[u8]) -> (FrameHead, Vec<u8>) {
    loop {
        let Some(head) = socket.peek().unwrap() else {
            let mut ready = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
            assert_eq!(
                poll(&mut ready, PollTimeout::from(5000_u16)),
                Ok(1),
                "no frame came"
            );
            continue;
        };
        let mut bytes = vec![0; 1 << 17];
        let length = recv(socket.as_fd().as_raw_fd(), &mut bytes, MsgFlags::empty()).unwrap();
        bytes.truncate(length);
        if bytes.windows(marker.len()).any(|part| part == marker) {
            return (head, bytes);
        }
    }
}

#[test]
fn a_frame_is_seen_at_both_ends_with_its_direction_length_and_time() {
    on_a_wire(|| {
        let left = PacketSocket::open("left", 1 << 20).unwrap();
        let right = PacketSocket::open("right", 1 << 20).unwrap();
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let before = now();
        broadcaster()
            .send_to(b"across the wire", "10.0.0.255:9")
            .unwrap();
        let (sent, sent_bytes) = next_with(&left, b"across the wire");
        let (received, received_bytes) = next_with(&right, b"across the wire");
        assert_eq!(sent.direction, Direction::Sent);
        assert_eq!(received.direction, Direction::ToAll);
        assert_eq!(sent_bytes, received_bytes);
        assert_eq!(received.length, 14 + 20 + 8 + 15);
        assert_eq!(received_bytes.len(), received.length);
        for head in [sent, received] {
            assert!((before..=now()).contains(&head.stamp), "{head:?}");
        }
    });
}

#[test]
fn a_superframe_is_one_frame_of_its_whole_length() {
    on_a_wire(|| {
        let right = PacketSocket::open("right", 1 << 22).unwrap();
        let sender = broadcaster();
        setsockopt(&sender, sockopt::UdpGsoSegment, &1000).unwrap();
        sender.send_to(&vec![b'x'; 60_000], "10.0.0.255:9").unwrap();
        let (head, bytes) = next_with(&right, b"xxxxxxxx");
        assert_eq!((head.length, bytes.len()), (60_042, 60_042));
    });
}

#[test]
fn what_does_not_fit_the_buffer_is_counted() {
    on_a_wire(|| {
        let right = PacketSocket::open("right", 16 << 10).unwrap();
        let before = right.statistics().unwrap();
        let sender = broadcaster();
        for _ in 0..500 {
            sender.send_to(&[b'y'; 1000], "10.0.0.255:9").unwrap();
        }
        let Statistics { frames, dropped } = right.statistics().unwrap();
        assert!(frames >= 500, "{frames}");
        assert!(dropped > 0 && dropped < frames, "{dropped} of {frames}");
        let mut kept = before.frames - before.dropped;
        while let Some(_head) = right.peek().unwrap() {
            let length = recv(right.as_fd().as_raw_fd(), &mut [], MsgFlags::empty()).unwrap();
            assert_eq!(length, 0);
            kept += 1;
        }
        assert!(
            kept >= frames - dropped,
            "{kept} read, {frames} passed, {dropped} dropped"
        );
        assert_eq!(right.statistics().unwrap().dropped, 0);
    });
}

#[test]
fn the_loopback_shows_each_frame_once_and_its_echo() {
    on_a_wire(|| {
        let lo = PacketSocket::open("lo", 1 << 20).unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.send_to(b"to myself", "127.0.0.1:9").unwrap();
        let directions = [
            next_with(&lo, b"to myself").0,
            next_with(&lo, b"to myself").0,
        ];
        assert_eq!(
            directions.map(|head| head.direction),
            [Direction::Echo, Direction::ToUs]
        );
    });
}

#[test]
fn an_interface_that_is_not_there_is_an_error() {
    let error = PacketSocket::open("none-such", 1 << 20).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::ENODEV), "{error}");
}

#[test]
fn the_first_frame_after_opening_is_seen() {
    on_a_wire(|| {
        let sender = broadcaster();
        for _ in 0..50 {
            let right = PacketSocket::open("right", 1 << 20).unwrap();
            sender.send_to(b"at once", "10.0.0.255:9").unwrap();
            assert_eq!(next_with(&right, b"at once").0.direction, Direction::ToAll);
        }
    });
}

#[test]
fn a_ring_shows_the_beginnings_of_frames_in_their_order() {
    on_a_wire(|| {
        let mut left = PacketRing::open("left", 64, 1 << 20).unwrap();
        let mut right = PacketRing::open("right", 64, 1 << 20).unwrap();
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let before = now();
        let sender = broadcaster();
        // More than the ring holds, so that it goes round several times.
        for batch in 0..40_u32 {
            for number in 0..500_u32 {
                let payload = [batch.to_be_bytes(), number.to_be_bytes()].concat();
                let payload = [&payload[..], &[7; 500]].concat();
                sender.send_to(&payload, "10.0.0.255:9").unwrap();
            }
            for (ring, direction) in [(&mut left, Direction::Sent), (&mut right, Direction::ToAll)]
            {
                for number in 0..500_u32 {
                    let (head, bytes) = next_datagram(ring);
                    assert_eq!((head.direction, head.length), (direction, 42 + 508));
                    assert!((before..=now()).contains(&head.stamp), "{head:?}");
                    assert_eq!(bytes.len(), 64);
                    assert_eq!(bytes[42..46], batch.to_be_bytes());
                    assert_eq!(bytes[46..50], number.to_be_bytes());
                }
            }
        }
        assert_eq!(right.statistics().unwrap().dropped, 0);
    });
}

#[test]
fn what_does_not_fit_a_ring_is_counted_and_the_rest_is_handed_over() {
    on_a_wire(|| {
        let mut right = PacketRing::open("right", 8000, 0).unwrap();
        let sender = broadcaster();
        let send = |count| {
            for _ in 0..count {
                sender.send_to(&[b'z'; 1400], "10.0.0.255:9").unwrap();
            }
        };
        send(2000);
        let Statistics { frames, dropped } = right.statistics().unwrap();
        assert!(frames >= 2000, "{frames}");
        assert!(dropped > 0 && dropped < frames, "{dropped} of {frames}");
        let mut left = frames - dropped;
        while left > 0 {
            match right.read().unwrap() {
                Some(_) => left -= 1,
                None => wait(&right),
            }
        }
        // There is room again.
        right.statistics().unwrap();
        send(10);
        for _ in 0..10 {
            next_datagram(&mut right);
        }
        assert_eq!(right.statistics().unwrap().dropped, 0);
    });
}

#[test]
fn a_ring_on_an_interface_that_is_not_there_is_an_error() {
    let error = PacketRing::open("none-such", 64, 1 << 20).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::ENODEV), "{error}");
    let error = PacketRing::open("lo", packet_ring::LONGEST + 1, 1 << 20).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EINVAL), "{error}");
}

/// The next datagram to port 9 and what is known of it; others, such as those for neighbours and
/// routers, are passed over.
fn next_datagram(ring: &mut PacketRing) -> (FrameHead, Vec<u8>) {
    loop {
        let Some((head, bytes)) = ring.read().unwrap() else {
            wait(ring);
            continue;
        };
        if bytes.get(36..38) == Some(&[0, 9]) && bytes[12..14] == [8, 0] {
            return (head, bytes.to_vec());
        }
    }
}

/// Waits until the kernel has handed a block over.
fn wait(ring: &PacketRing) {
    let mut sources = [PollFd::new(ring.as_fd(), PollFlags::POLLIN)];
    let ready = poll(&mut sources, PollTimeout::from(10_000_u16)).unwrap();
    assert_eq!(ready, 1, "nothing came");
}
